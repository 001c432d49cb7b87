/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on the server itself, and the HTTP routes that tell how it is.
 */
#include <string.h>

#include "core.h"
#include "metrics.h"
#include "plugin.h"
#include "request.h"
#include "server.h"

salon_outcome_t core_server_stats(salon_req_t *req)
{
    return salon_reply(req, metrics_json());
}

salon_outcome_t core_server_plugins(salon_req_t *req)
{
    json_object *list = json_object_new_array();
    for (int i = 0; i < plugin_count(); i++) {
        json_object *row = salon_json_string(salon_json(), "name", plugin_at(i)->name);
        salon_json_string(row, "version", plugin_at(i)->version);
        json_object_array_add(list, salon_json_string(row, "summary", plugin_at(i)->summary));
    }
    return salon_reply(req, salon_json_value(salon_json(), "plugins", list));
}

salon_outcome_t core_server_reload(salon_req_t *req)
{
    const char *wrong = server_reload(req->pool);
    if (wrong == NULL) return salon_reply(req, NULL);
    return salon_fail_details(req, SALON_CONFLICT,
                              salon_json_string(salon_json(), "reason", wrong));
}

salon_outcome_t core_server_stop(salon_req_t *req)
{
    server_stop();
    return salon_reply(req, NULL);
}

static salon_outcome_t text_reply(salon_req_t *req, int status, const char *text)
{
    return salon_http_reply(req, status, "text/plain; charset=utf-8", text, strlen(text));
}

salon_outcome_t core_healthz(salon_req_t *req)
{
    return text_reply(req, 200, "ok\n");
}

salon_outcome_t core_readyz(salon_req_t *req)
{
    bool ready = server.ready && store_ready(server.store);
    return text_reply(req, ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
}

salon_outcome_t core_metrics(salon_req_t *req)
{
    const char *text = metrics_text(req->pool);
    return salon_http_reply(req, 200, "text/plain; version=0.0.4", text, strlen(text));
}
