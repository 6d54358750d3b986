-- Runs a program with globals of its own. A program that begins with "--[[compile]]" is only compiled, and
-- with "--[[no addresses]]" it is not told any.
local pcall, loadstring, setfenv, select, tostring, tonumber, error, type, pairs =
  pcall, loadstring, setfenv, select, tostring, tonumber, error, type, pairs
local concat, sub, find, gsub = table.concat, string.sub, string.find, string.gsub
local function RUN(source)
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
  if find(source, "--[[no addresses]]", 1, true) then
    env.tostring = function(...)
      local text = tostring(...)
      return type(text) == "string" and (gsub(text, "0x%x+", "0x")) or text
    end
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
    -- Logarithms and the like may differ in the last of their 53 bits, and with that the order of keys.
    if kind == "number" and value % 1 ~= 0 then return tonumber(tostring(value)) end
    if kind == "number" or kind == "string" or kind == "boolean" then return value end
    return kind
  end
  setfenv(f, env)
  local function finish(ok, ...)
    if ok then return say("OK " .. select("#", ...)) end
    -- What was raised may have a __tostring that raises, or gives no text.
    local _, text = pcall(tostring, (...))
    say("ERROR " .. (type(text) == "string" and text or type(text)))
  end
  finish(pcall(f, 1, "two", 3))
  return concat(lines, "\n")
end
