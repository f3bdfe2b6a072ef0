/* What a cashier filled in, or asks to see, at a lane: handed to flow and answered when it is kept.
 */
#ifndef LANEWAY_SERVE_API_FORM_H
#define LANEWAY_SERVE_API_FORM_H

#include "flow/flow.h"
#include "serve/http.h"

struct json_t;

/* The lane is call->arg; `body` stays the caller's. */
void api_form(struct flow *flow, struct http_call *call, enum flow_form_kind kind,
              const struct json_t *body);
/* The same for what somebody asks to see: the answer is for no cache. */
typedef int api_ask_fn(struct flow *f, const struct flow_ask *ask, struct sale_error *err);
void api_ask(struct flow *flow, struct http_call *call, api_ask_fn *fn, const struct json_t *body);

#endif
