/* The addresses behind a host name, and which one to try next.
 *
 * The one that last answered comes first; one that did not answer makes room for the next. Names
 * are looked up again after every round through the list; while that fails the old addresses stay.
 * Looking up waits (DNS): only for threads that may.
 */
#ifndef LANEWAY_SYNC_ADDRESS_H
#define LANEWAY_SYNC_ADDRESS_H

#include <stdbool.h>

#define ADDRESS_MAX 8   /* of one name; further ones are not tried */
#define ADDRESS_SIZE 64 /* numeric, with a scope */

struct address_list {
	char text[ADDRESS_MAX][ADDRESS_SIZE];
	int count, at;
	int left; /* to be tried before the name is looked up again */
};

/* The address to try now, looked up if its turn has come; NULL: the name is not known, *fault says
 * why. Valid until the next call. */
const char *address_get(struct address_list *l, const char *host, const char **fault);
/* It answered: it is tried first from now on. */
void address_good(struct address_list *l);
/* It did not: the next one's turn. */
void address_bad(struct address_list *l);

/* Addresses of this round through the list are still untried. */
bool address_round_open(const struct address_list *l);

/* For tests and for address_get: take over a fresh list (numeric texts, NULL-terminated); an
 * address that stood at its turn before and is still there keeps it. */
void address_take(struct address_list *l, const char *const *texts);

#endif
