-- Become the owner of each of some sessions: from here on no other owner's append lands. Without an owner id only read it.
-- KEYS: for each session meta, log, snapshot
-- ARGV: for each session owner id or "" to read, term or "" for the next one, JSON object of the newest schema version known, by kind
-- Reply: for each session {"absent"} | {"outrun", stored term} | {"too-new"}
--      | {"taken", term, epoch, continuous 0/1, appended to 0/1, snapshot, batch, batch, ...}
--      or what Redis said when it could not be done
-- Each session is atomic for itself: what is returned is all there is, and nothing is added to it by a former owner.
-- The id of the Redis process tells a restart or a fail-over, after which a suffix may be missing. [R8]
local identity = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')

local function take_over(meta_key, log_key, snapshot_key, owner, asked_term, versions)
  local meta = redis.pcall('HMGET', meta_key, 'term', 'epoch', 'identity', 'kind', 'version', 'head', 'covered', 'appends')
  if meta.err then return meta.err end
  local snapshot = redis.pcall('GET', snapshot_key)
  if type(snapshot) == 'table' then return snapshot.err end
  -- What cannot be read is lost; found out here, it concerns nobody else.
  local stored, version, head, covered = tonumber(meta[1]), tonumber(meta[5]), tonumber(meta[6]), tonumber(meta[7])
  if not (stored and meta[2] and meta[4] and version and head and covered and snapshot) then return {'absent'} end
  local batches = redis.pcall('XRANGE', log_key, '-', '+')
  if batches.err then return batches.err end
  local term = stored
  if owner ~= '' then
    if version > (cjson.decode(versions)[meta[4]] or 0) then return {'too-new'} end
    if asked_term == '' then
      term = term + 1
    elseif tonumber(asked_term) <= term then
      return {'outrun', term}
    else
      term = tonumber(asked_term)
    end
    local owned = redis.pcall('HSET', meta_key, 'owner', owner, 'term', term)
    if type(owned) == 'table' and owned.err then return owned.err end
  end
  local isContinuous = identity == meta[3] and covered <= head
  local reply = {'taken', term, meta[2], isContinuous and 1 or 0, meta[8] and 1 or 0, snapshot}
  for _, item in ipairs(batches) do
    reply[#reply + 1] = item[2][2]
  end
  return reply
end

local replies = {}
for place = 1, #KEYS / 3 do
  local at = 3 * place
  replies[place] = take_over(KEYS[at - 2], KEYS[at - 1], KEYS[at], ARGV[at - 2], ARGV[at - 1], ARGV[at])
end
return replies
