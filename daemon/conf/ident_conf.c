#include "conf/ident_conf.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

_Static_assert(CONF_SCHEMES_MAX == IDENT_SCHEMES_MAX, "all schemes have room");
_Static_assert(CONF_DOMAINS_MAX == IDENT_DOMAINS_MAX, "all domains have room");
_Static_assert(CONF_GS1_PREFIXES_MAX == IDENT_GS1_PREFIXES_MAX, "all prefixes have room");

static struct ident_scheme scheme_of(const struct conf_scheme *c)
{
	struct ident_scheme s = {
	    .length = c->length, .check = ident_check_named(c->check), .rotating = c->rotating};

	text_copy(s.name, sizeof s.name, c->name);
	text_copy(s.prefix, sizeof s.prefix, c->prefix);
	return s;
}

void ident_conf(const struct conf_ident *conf, const char *region, const char *ruleset,
                struct ident_rules *out)
{
	memset(out, 0, sizeof *out);
	for (; out->scheme_count < conf->loyalty_count; out->scheme_count++)
		out->schemes[out->scheme_count] = scheme_of(&conf->loyalty[out->scheme_count]);
	for (; out->wallet_count < conf->wallet_count; out->wallet_count++)
		out->wallets[out->wallet_count] = scheme_of(&conf->wallet[out->wallet_count]);
	for (; out->account_count < conf->account_count; out->account_count++)
		out->accounts[out->account_count] = scheme_of(&conf->account[out->account_count]);
	memcpy(out->domains, conf->domains, sizeof out->domains);
	memcpy(out->gs1_prefixes, conf->gs1_prefixes, sizeof out->gs1_prefixes);
	out->domain_count = conf->domain_count;
	out->gs1_prefix_count = conf->gs1_prefix_count;
	text_copy(out->region, sizeof out->region, region);
	text_copy(out->ruleset, sizeof out->ruleset, ruleset);
}

/* ---- faults ---- */

struct list {
	const char *section;
	const struct conf_scheme *schemes;
	int count;
};

struct check {
	const char *path;
	char *err;
	size_t err_size;
};

static int fault(const struct check *check, const struct list *list, int i, const char *what)
{
	snprintf(check->err, check->err_size, "%s:%d: %s \"%s\": %s", check->path,
	         list->schemes[i].line, list->section, list->schemes[i].name, what);
	return -1;
}

static int check_alone(const struct check *check, const struct list *list)
{
	bool wallet = strcmp(list->section, "wallet") == 0;

	for (int i = 0; i < list->count; i++) {
		struct ident_scheme s = scheme_of(&list->schemes[i]);
		const char *what = wallet ? ident_wallet_fault(&s) : ident_scheme_fault(&s);
		if (what)
			return fault(check, list, i, what);
	}
	return 0;
}

/* Which kind a number is must not depend on which list is looked at first. */
static int check_together(const struct check *check, const struct list *a, const struct list *b)
{
	char what[120];

	for (int i = 0; i < a->count; i++) {
		struct ident_scheme s = scheme_of(&a->schemes[i]);
		for (int k = 0; k < b->count; k++) {
			struct ident_scheme t = scheme_of(&b->schemes[k]);
			if (!ident_scheme_clash(&s, &t))
				continue;
			snprintf(what, sizeof what,
			         "prefix: claims numbers of %s \"%s\"; expected another prefix or "
			         "length",
			         a->section, a->schemes[i].name);
			return fault(check, b, k, what);
		}
	}
	return 0;
}

int ident_conf_check(const struct conf_ident *conf, const char *path, char *err, size_t err_size)
{
	const struct check check = {path, err, err_size};
	const struct list lists[] = {
	    {"loyalty", conf->loyalty, conf->loyalty_count},
	    {"wallet", conf->wallet, conf->wallet_count},
	    {"account", conf->account, conf->account_count},
	};
	size_t n = sizeof lists / sizeof *lists;

	for (size_t i = 0; i < n; i++) {
		if (check_alone(&check, &lists[i]) < 0)
			return -1;
		for (size_t k = 0; k < i; k++) {
			if (check_together(&check, &lists[k], &lists[i]) < 0)
				return -1;
		}
	}
	return 0;
}
