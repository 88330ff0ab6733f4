-- Take one of what a key may do in a while, or say how long there is none (the generic cell rate algorithm: one time per key).
-- KEYS: 1 the key's time
-- ARGV: 1 milliseconds one takes to come back, 2 how many may come at once
-- Reply: 0 when it was taken, else milliseconds until there is one
-- Atomic, by the clock of Redis alone: instances need not agree on the time. The key goes when it is full again.
local now = redis.call('TIME')
local nowMs = now[1] * 1000 + math.floor(now[2] / 1000)
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), nowMs)
local waitMs = full + each - nowMs - each * burst
if waitMs > 0 then return math.ceil(waitMs) end
redis.call('SET', KEYS[1], string.format('%.0f', full + each), 'PX', math.ceil(full + each - nowMs))
return 0
