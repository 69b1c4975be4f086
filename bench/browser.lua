-- A browser with many tabs on Jira: the header fields that Chromium sends, a session cookie with its sticky node,
-- and a path, a referer and a cache buster that differ from request to request.

local sessions, issues, unique = {}, {}, 0

function init(args)
  math.randomseed(42)
  for i = 1, 5000 do
    local session = {}
    for digit = 1, 4 do session[digit] = string.format("%08X", math.random(0, 2147483647)) end
    local xsrf = string.format("BP8Q-WXN6-SKX3-%04X|%s|lin", i, string.lower(session[1] .. session[2]))
    sessions[i] = "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n" ..
      "Cookie: jira.editor.user.mode=wysiwyg; JSESSIONID=" .. table.concat(session) ..
      "; ROUTEID=.node" .. (i % 2 + 1) .. "; atlassian.xsrf.token=" .. xsrf .. "\r\n\r\n"
  end
  local host = wrk.host .. ":" .. wrk.port
  for i = 1, 997 do
    issues[i] = {
      "GET /rest/api/2/issue/ZDU-" .. i .. "?fields=summary,status,assignee&expand=renderedFields&_=14888802",
      " HTTP/1.1\r\nHost: " .. host .. "\r\nConnection: keep-alive\r\n" ..
      "sec-ch-ua-platform: \"Linux\"\r\nX-Requested-With: XMLHttpRequest\r\n" ..
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " ..
      "Chrome/142.0.0.0 Safari/537.36\r\nAccept: application/json, text/javascript, */*; q=0.01\r\n" ..
      "sec-ch-ua: \"Chromium\";v=\"142\", \"Not_A Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\n" ..
      "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n" ..
      "Referer: http://" .. host .. "/browse/ZDU-" .. i .. "?jql=project%20%3D%20ZDU&page=",
    }
  end
end

function request()
  unique = unique + 1
  local issue = issues[unique % 997 + 1]
  return issue[1] .. unique .. issue[2] .. unique .. "\r\n" .. sessions[unique % 5000 + 1]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "duration_us": %d, "connect": %d, "read": %d, "write": %d, "status": %d, ' ..
    '"timeout": %d, "p50_us": %d, "p99_us": %d}\n',
    summary.requests, summary.duration, e.connect, e.read, e.write, e.status, e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
