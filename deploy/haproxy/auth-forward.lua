-- Forward authentication by auth-server, as an action of HAProxy 2.6 and later:
--
--     http-request lua.auth-forward 127.0.0.1:8080
--
-- The action asks the server at that address whether a request may go on. It drops what a client says of itself, tells
-- the application who is there, and answers the client itself where the request may not go on. Without an answer of
-- the server, nothing goes on. `auth-server forward snippet haproxy` prints the rest of the configuration.
-- `lua.auth-forward-rfc7239` does the same for a server whose `client_header` is "Forwarded".

-- How long the server may take, in milliseconds.
local TIMEOUT = 5000

-- What the server tells of who is there.
local IDENTITY = { "remote-user", "remote-email", "remote-name", "remote-groups", "remote-subject" }

-- What may be a credential, and what else the server looks at.
local CREDENTIALS = { "authorization", "x-auth-token", "x-user-id" }
local OTHERS = { "accept", "sec-fetch-site", "user-agent" }

-- What would have the application take the request for another one.
local OVERRIDES = {
    "http2-settings",
    "x-forwarded-host",
    "x-forwarded-method",
    "x-forwarded-prefix",
    "x-forwarded-uri",
    "x-original-method",
    "x-original-url",
    "x-rewrite-url",
}

-- What an answer to the client keeps of the server's.
local KEPT = { "content-type", "location", "retry-after", "www-authenticate" }

local function set_of(names)
    local set = {}
    for _, name in ipairs(names) do
        set[name] = true
    end
    return set
end

local is_identity = set_of(IDENTITY)

-- The values of a header, in order. HAProxy counts them from 0.
local function values_of(headers, name)
    local values = {}
    local sent = headers[name]
    if sent ~= nil then
        for at = 0, #sent do
            if sent[at] ~= nil then
                table.insert(values, sent[at])
            end
        end
    end
    return values
end

local function first_of(headers, name)
    return values_of(headers, name)[1]
end

-- Has the client's request answered here.
local function answer(txn, status, headers, body)
    local reply = txn:reply()
    reply:set_status(status)
    for _, name in ipairs(KEPT) do
        local value = first_of(headers, name)
        if value ~= nil and value ~= "" then
            reply:add_header(name, value)
        end
    end
    reply:add_header("cache-control", "no-store")
    reply:set_body(body or "")
    txn:done(reply)
end

-- The client as the last entry of a header in which proxies name theirs.
local function x_forwarded_for(txn)
    return txn.f:src()
end

local function forwarded(txn)
    local client = txn.f:src()
    if client:find(":", 1, true) then
        client = "[" .. client .. "]"
    end
    return 'for="' .. client .. '"'
end

-- The question about a request: its headers, all of our own making. The client is named in a header of that name.
local function question(txn, sent, name, entry)
    local clients = values_of(sent, name)
    table.insert(clients, entry(txn))
    local asked = {
        ["x-forwarded-method"] = { txn.f:method() },
        ["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" },
        ["x-forwarded-host"] = values_of(sent, "host"),
        ["x-forwarded-uri"] = { txn.f:pathq() },
        [name] = { table.concat(clients, ", ") },
    }
    for _, names in ipairs({ CREDENTIALS, OTHERS, { "cookie" } }) do
        for _, name in ipairs(names) do
            local values = values_of(sent, name)
            if #values > 0 then
                asked[name] = values
            end
        end
    end
    return asked
end

local function ask(txn, server, name, entry)
    local sent = txn.http:req_get_headers()
    local client = core.httpclient()
    local reply = client:get({
        url = "http://" .. server .. "/forward/auth",
        headers = question(txn, sent, name, entry),
        timeout = TIMEOUT,
    })
    if reply == nil or reply.status == nil or reply.status == 0 then
        return answer(txn, 503, {}, "")
    end
    if reply.status ~= 200 then
        return answer(txn, reply.status, reply.headers, reply.body)
    end
    -- In whatever spelling: applications may take an underscore for a hyphen.
    for name, _ in pairs(sent) do
        if is_identity[name:lower():gsub("_", "-")] then
            txn.http:req_del_header(name)
        end
    end
    for _, name in ipairs(OVERRIDES) do
        txn.http:req_del_header(name)
    end
    -- Web sockets, and no other protocol: nothing would be asked about what came by that.
    local upgrade = values_of(sent, "upgrade")
    if #upgrade > 0 and (#upgrade > 1 or upgrade[1]:lower() ~= "websocket") then
        txn.http:req_del_header("upgrade")
        txn.http:req_del_header("connection")
    end
    for _, name in ipairs(IDENTITY) do
        local value = first_of(reply.headers, name)
        if value ~= nil and value ~= "" then
            txn.http:req_set_header(name, value)
        end
    end
    -- The credential is for the server, and none of the application's business.
    for _, name in ipairs(CREDENTIALS) do
        txn.http:req_del_header(name)
    end
    local cookie = first_of(reply.headers, "cookie")
    if cookie ~= nil and cookie ~= "" then
        txn.http:req_set_header("cookie", cookie)
    else
        txn.http:req_del_header("cookie")
    end
end

core.register_action("auth-forward", { "http-req" }, function(txn, server)
    ask(txn, server, "x-forwarded-for", x_forwarded_for)
end, 1)

core.register_action("auth-forward-rfc7239", { "http-req" }, function(txn, server)
    ask(txn, server, "forwarded", forwarded)
end, 1)
