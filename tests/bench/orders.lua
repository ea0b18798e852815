-- wrk: POST the bodies of a file in turn, each under an idempotency key of its own, and print what came back as JSON.
-- After `--`: the path, the file with a body a line, a text that no other run has in its keys, and further header lines.
local head, bodies, number, path, run, more = "", {}, 0, "", "", ""

function init(arguments)
  path, run, more = arguments[1], arguments[3], arguments[4] or ""
  head = "POST " .. path .. " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" .. more
      .. "Idempotency-Key: \"" .. run .. "-"
  for body in io.lines(arguments[2]) do
    bodies[#bodies + 1] = "\"\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
  end
end

function request()
  number = number + 1
  return head .. number .. bodies[number % #bodies + 1]
end

function done(summary, latency, requests)
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format(
    '\nREPORT {"seconds": %f, "answers": %d, "refused": %d, "lost": %d, "p50_ms": %f, "p99_ms": %f, "p999_ms": %f, "max_ms": %f}\n',
    summary.duration / 1e6, summary.requests, summary.errors.status, lost, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3, latency.max / 1e3))
end
