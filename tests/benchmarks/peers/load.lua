-- A load of `add(1, 2)` calls for wrk; the word after -- is the protocol. Tells how many answers were wrong.

local bodies = {
  jsonrpc = '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}',
  xmlrpc = "<?xml version='1.0'?><methodCall><methodName>add</methodName><params><param><value><int>1</int></value>"
    .. "</param><param><value><int>2</int></value></param></params></methodCall>",
}
local answers = { jsonrpc = '"result": ?3', xmlrpc = "<int>3</int>" }
local thread

function setup(each)
  thread = each
end

function init(words)
  wrk.method = "POST"
  wrk.body = bodies[words[1]]
  wrk.headers["Content-Type"] = words[1] == "jsonrpc" and "application/json" or "text/xml"
  expected = answers[words[1]]
  seen, wrong = 0, 0
end

-- One answer in a hundred is looked at: more would cost more than the servers do.
function response(status, headers, body)
  seen = seen + 1
  if seen % 100 == 1 and not body:find(expected) then
    wrong = wrong + 1
  end
end

function done(summary, latency, requests)
  print("wrong: " .. thread:get("wrong"))
end
