-- Health of NestedPortGroup and NestedHyperVHost (the same script for both). Status follows the kstatus format.
-- Only the base library is used: Argo CD opens neither string nor math for health scripts.

local function health(status, message)
  return { status = status, message = message }
end

-- A suspended object is left alone even while it is being deleted, so this comes first.
if obj.spec ~= nil and obj.spec.suspend then
  return health("Suspended", "spec.suspend is true; nothing is touched, deletion included")
end

local found = {}
local observed = nil
if obj.status ~= nil then
  observed = obj.status.observedGeneration
  for _, condition in ipairs(obj.status.conditions or {}) do
    found[condition.type] = condition
  end
end

local ready = found["Ready"]
local text = "The operator has not said anything about this object yet"
if ready ~= nil then
  text = ready.message
  if text == nil or text == "" then
    text = ready.reason
  end
end

-- The finalizer holds the object until vSphere is clean; the message tells what deletion waits for.
if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", text)
end
-- What is known belongs to an older spec, unless Ready tells why the new one waits (vCenter does not answer).
if observed ~= obj.metadata.generation then
  if ready == nil or ready.observedGeneration ~= obj.metadata.generation then
    text = "The operator has not seen the last change of spec yet"
  end
  return health("Progressing", text)
end
if found["Stalled"] ~= nil and found["Stalled"].status == "True" then
  return health("Degraded", text)
end
if found["Reconciling"] ~= nil and found["Reconciling"].status == "True" then
  return health("Progressing", text)
end
if ready ~= nil and ready.status == "True" then
  return health("Healthy", text)
end
-- Both wait for a person: to power the machine off, or to switch managementPolicy to Enforce.
if ready ~= nil and ready.status == "False" and (ready.reason == "PowerOffRequired" or ready.reason == "WouldChange") then
  return health("Suspended", text)
end
return health("Progressing", text)
