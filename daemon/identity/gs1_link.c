/* Digital Links: the key is looked for in the path, from its end. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "identity/gs1_internal.h"

#define URI_BYTES_MAX 2048
#define SEGMENTS_MAX 40
#define RESOLVER "id.gs1.org"

struct link {
	char text[URI_BYTES_MAX + 1]; /* taken apart in place */
	const char *host, *query;
	char *segment[SEGMENTS_MAX];
	int count;
};

static size_t scheme_len(const char *uri)
{
	static const char *const schemes[] = {"https://", "http://", "HTTPS://", "HTTP://"};
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (strncmp(uri, schemes[i], strlen(schemes[i])) == 0)
			return strlen(schemes[i]);
	return 0;
}

bool gs1_link(const char *value)
{
	return strncasecmp(value, "http://", 7) == 0 || strncasecmp(value, "https://", 8) == 0;
}

/* Percent signs undone in place. false: a wrong one, or one that stands for what is no text. */
static bool decode(char *text)
{
	char *to = text;
	for (const char *p = text; *p; p++, to++) {
		if (*p != '%') {
			*to = *p;
			continue;
		}
		if (!isxdigit((unsigned char)p[1]) || !isxdigit((unsigned char)p[2]))
			return false;
		int high = p[1] <= '9' ? p[1] - '0' : (p[1] | 32) - 'a' + 10;
		int low = p[2] <= '9' ? p[2] - '0' : (p[2] | 32) - 'a' + 10;
		int c = high * 16 + low;
		if (c < 0x20 || c >= 0x7f)
			return false;
		*to = (char)c;
		p += 2;
	}
	*to = 0;
	return true;
}

static bool take_apart(const char *uri, struct link *link)
{
	size_t scheme = scheme_len(uri);
	if (scheme == 0 || strnlen(uri, URI_BYTES_MAX + 1) > URI_BYTES_MAX)
		return false;
	strcpy(link->text, uri + scheme);
	link->host = link->text;
	link->text[strcspn(link->text, "#")] = 0;
	char *query = strchr(link->text, '?');
	link->query = query ? query + 1 : "";
	if (query)
		*query = 0;
	char *p = strchr(link->text, '/');
	for (link->count = 0; p; link->count++) {
		*p++ = 0;
		if (link->count == SEGMENTS_MAX)
			return false;
		link->segment[link->count] = p;
		p = strchr(p, '/');
	}
	char *port = strchr(link->text, ':');
	if (port && !port[1 + strspn(port + 1, "0123456789")])
		*port = 0;
	for (int i = 0; i < link->count; i++)
		if (!decode(link->segment[i]))
			return false;
	return *link->host && !link->host[strspn(link->host, "abcdefghijklmnopqrstuvwxyz"
	                                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                                                     "0123456789.-")];
}

static bool is_ai(const char *text)
{
	size_t fixed, n = gs1_ai(text, &fixed);
	return n > 0 && !text[n];
}

static bool is_key(const char *text)
{
	static const char *const keys[] = {"00",   "01",   "253",  "255",  "401",  "402",
	                                   "414",  "415",  "417",  "8003", "8004", "8006",
	                                   "8010", "8013", "8017", "8018"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(text, keys[i]) == 0)
			return true;
	return false;
}

/* Where the key stands, -1 if nowhere: pairs of AI and value from the end on. */
static int find_key(const struct link *link)
{
	for (int i = link->count - 2; i >= 0; i -= 2) {
		if (is_key(link->segment[i]))
			return i;
		if (!is_ai(link->segment[i]))
			break;
	}
	return -1;
}

/* AI=value in the query. Names that are no numbers are the link's own business. */
static bool take_query(const char *query, struct gs1_code *code)
{
	char part[3 * GS1_VALUE_BYTES_MAX + 8];
	while (*query) {
		size_t n = strcspn(query, "&"), name = strcspn(query, "=&");
		bool number = name > 0 && strspn(query, "0123456789") == name;
		if (number && name < n) {
			if (n >= sizeof part)
				return false;
			memcpy(part, query, n);
			part[n] = 0;
			part[name] = 0;
			if (!decode(part + name + 1) || !is_ai(part) ||
			    !gs1_add(code, part, name, part + name + 1, strlen(part + name + 1)))
				return false;
		}
		query += n + (query[n] == '&');
	}
	return true;
}

static bool is_ours(const struct ident_rules *rules, const char *host)
{
	for (int i = 0; i < rules->domain_count; i++)
		if (strcasecmp(host, rules->domains[i]) == 0)
			return true;
	return strcasecmp(host, RESOLVER) == 0;
}

static bool holds_card_number(const struct link *link, int upto)
{
	for (int i = 0; i < upto; i++)
		if (pan_find(link->segment[i], false))
			return true;
	return pan_find(link->query, false);
}

enum ident_reason gs1_link_read(const struct ident_rules *rules, const char *uri,
                                char gsrn[GS1_GSRN_SIZE])
{
	struct link link;
	struct gs1_code code;
	char found[GS1_GSRN_SIZE];
	code.count = 0;
	if (!take_apart(uri, &link))
		return pan_find(uri, false) ? IDENT_CARD_NUMBER : IDENT_LINK;
	int key = find_key(&link);
	if (holds_card_number(&link, key < 0 ? link.count : key))
		return IDENT_CARD_NUMBER;
	if (key < 0)
		return IDENT_LINK;
	bool ok = true;
	for (int i = key; ok && i < link.count; i += 2)
		ok = gs1_add(&code, link.segment[i], strlen(link.segment[i]), link.segment[i + 1],
		             strlen(link.segment[i + 1]));
	ok = ok && take_query(link.query, &code);
	enum ident_reason reason = code.count ? gs1_judge(&code, found) : IDENT_GS1_FORM;
	if (reason == IDENT_CARD_NUMBER)
		return reason;
	if (!ok)
		return pan_find(uri, false) ? IDENT_CARD_NUMBER : IDENT_GS1_FORM;
	if (reason == IDENT_OK &&
	    (!is_ours(rules, link.host) || strcmp(link.segment[key], "8018") != 0))
		return IDENT_LINK;
	if (reason == IDENT_OK)
		memcpy(gsrn, found, sizeof found);
	return reason;
}
