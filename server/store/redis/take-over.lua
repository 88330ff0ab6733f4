-- Become the owner of a session: from here on no other owner's append lands. Without an owner id only read it.
-- KEYS: 1 meta, 2 log, 3 snapshot
-- ARGV: 1 owner id or "" to read, 2 term or "" for the next one, 3 JSON object of the newest schema version known, by kind
-- Reply: {"absent"} | {"outrun", stored term} | {"too-new"}
--      | {"taken", term, epoch, continuous 0/1, appended to 0/1, snapshot, batch, batch, ...}
-- Atomic: what is returned is all there is, and nothing is added to it by a former owner.
local owner, term = ARGV[1], ARGV[2]
local meta = redis.call('HMGET', KEYS[1], 'term', 'epoch', 'identity', 'kind', 'version', 'head', 'covered', 'appends')
local snapshot = redis.call('GET', KEYS[3])
if not meta[1] or not snapshot then return {'absent'} end
if owner ~= '' then
  if tonumber(meta[5]) > (cjson.decode(ARGV[3])[meta[4]] or 0) then return {'too-new'} end
  if term == '' then
    term = tonumber(meta[1]) + 1
  elseif tonumber(term) <= tonumber(meta[1]) then
    return {'outrun', tonumber(meta[1])}
  end
  redis.call('HSET', KEYS[1], 'owner', owner, 'term', term)
else
  term = meta[1]
end
-- The id of the Redis process tells a restart or a fail-over, after which a suffix may be missing. [R8]
local identity = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local isContinuous = identity == meta[3] and tonumber(meta[7]) <= tonumber(meta[6])
local reply = {'taken', tonumber(term), meta[2], isContinuous and 1 or 0, meta[8] and 1 or 0, snapshot}
for _, item in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do
  reply[#reply + 1] = item[2][2]
end
return reply
