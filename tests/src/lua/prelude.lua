-- Runs a program with globals of its own. A program that begins with "--[[compile]]" is only compiled.
do
  local pcall, loadstring, setfenv, select, tostring, error, type, pairs =
    pcall, loadstring, setfenv, select, tostring, error, type, pairs
  local concat, sub, find = table.concat, string.sub, string.find
  function RUN(source)
    local lines, size, ticks = {}, 0, 0
    local function say(text)
      size = size + #text
      if size > 20000 then text = "" end
      lines[#lines + 1] = sub(text, 1, 2000)
    end
    local f, e = loadstring(source, "=user_script")
    if not f then return "SYNTAX " .. e end
    if find(source, "--[[compile]]", 1, true) then return "compiled" end
    local env = {}
    for k, v in pairs(_G) do
      if type(v) == "table" and v ~= _G then
        local copy = {}
        for name, field in pairs(v) do copy[name] = field end
        v = copy
      end
      env[k] = v
    end
    env._G = env
    env.print = function(...)
      local texts = {...}
      local count = select("#", ...)
      for i = 1, count do texts[i] = tostring(texts[i]) end
      say(concat(texts, "\t", 1, count))
    end
    env.tick = function()
      ticks = ticks + 1
      if ticks > 180 then error("ticks", 2) end
    end
    env.cut = function(value)
      if type(value) == "string" and #value > 60 then return sub(value, 1, 60) end
      return value
    end
    env.K = function(value)
      local kind = type(value)
      if kind == "number" or kind == "string" or kind == "boolean" then return value end
      return kind
    end
    setfenv(f, env)
    local function finish(ok, ...)
      if ok then say("OK " .. select("#", ...)) else say("ERROR " .. tostring((...))) end
    end
    finish(pcall(f, 1, "two", 3))
    return concat(lines, "\n")
  end
end
