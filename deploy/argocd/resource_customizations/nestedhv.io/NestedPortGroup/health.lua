-- Health of NestedPortGroup and NestedHyperVHost (the same script for both). Status follows the kstatus format.
-- Only the base library is used: Argo CD opens neither string nor math for health scripts.

local function health(status, message)
  return { status = status, message = message }
end

-- A suspended object is left alone even while it is being deleted, so this comes first.
if obj.spec ~= nil and obj.spec.suspend then
  return health("Suspended", "spec.suspend is true; nothing is touched, deletion included")
end

if obj.metadata.deletionTimestamp == nil then
  if obj.status == nil or obj.status.observedGeneration == nil then
    return health("Progressing", "The operator has not seen this object yet")
  end
  if obj.status.observedGeneration ~= obj.metadata.generation then
    return health("Progressing", "The operator has not seen the last change of spec yet")
  end
end

local found = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    found[condition.type] = condition
  end
end

local ready = found["Ready"]
local text = "The operator has not said yet whether this object is ready"
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
