"""The programs that rpcctl is measured beside, each as short as its user would write it; run as separate processes."""
