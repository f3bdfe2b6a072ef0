/* By what HQ tells persons apart, and counts what they spend. */
#ifndef LANEWAY_HQ_SCOPE_H
#define LANEWAY_HQ_SCOPE_H

#include "identity/ident.h"
#include "identity/rule.h"

struct hq_scope {
	const struct ident_rules *forms;
	const struct rule_set *rules;
	const char *currency;
};

#endif
