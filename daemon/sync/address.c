#include "sync/address.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

#define ADDRESS_ROUNDS                                                                             \
	4 /* through the list before DNS, which may hold up as long as the line, is asked */

void address_take(struct address_list *l, const char *const *texts)
{
	char before[ADDRESS_SIZE] = "";
	if (l->count)
		text_copy(before, sizeof(before), l->text[l->at]);
	l->count = l->at = 0;
	for (; *texts && l->count < ADDRESS_MAX; texts++) {
		text_copy(l->text[l->count], ADDRESS_SIZE, *texts);
		if (strcmp(l->text[l->count], before) == 0)
			l->at = l->count;
		l->count++;
	}
	l->left = l->count * ADDRESS_ROUNDS;
}

/* false: *fault says why, and the list is as before. */
static bool look_up(struct address_list *l, const char *host, const char **fault)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
	char room[ADDRESS_MAX][ADDRESS_SIZE];
	const char *texts[ADDRESS_MAX + 1] = {NULL};
	int n = 0, rc = getaddrinfo(host, NULL, &hints, &list);

	if (rc != 0) {
		*fault = gai_strerror(rc);
		return false;
	}
	for (const struct addrinfo *a = list; a && n < ADDRESS_MAX; a = a->ai_next) {
		if (getnameinfo(a->ai_addr, a->ai_addrlen, room[n], ADDRESS_SIZE, NULL, 0,
		                NI_NUMERICHOST) != 0)
			continue;
		texts[n] = room[n];
		n++;
	}
	freeaddrinfo(list);
	address_take(l, texts);
	*fault = n ? NULL : "the name has no address";
	return n > 0;
}

const char *address_get(struct address_list *l, const char *host, const char **fault)
{
	*fault = NULL;
	if (l->left <= 0 && !look_up(l, host, fault) && l->count)
		l->left =
		    l->count * ADDRESS_ROUNDS; /* what was known yesterday is better than nothing */
	return l->count ? l->text[l->at] : NULL;
}

void address_good(struct address_list *l)
{
	l->left = 0; /* its name may lead elsewhere by the time the connection ends */
}

void address_bad(struct address_list *l)
{
	if (!l->count)
		return;
	l->at = (l->at + 1) % l->count;
	l->left--;
}

bool address_round_open(const struct address_list *l)
{
	return l->count && l->left % l->count != 0;
}
