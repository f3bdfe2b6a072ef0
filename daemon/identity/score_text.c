#include "identity/score_text.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#define PARTS_MAX 32       /* of one character */
#define POINTS_MAX 64      /* of a name that is compared */
#define ALIKE_PREFIX_MAX 4 /* Winkler's: a slip is rare in the first letters */
#define ALIKE_PREFIX_SCALE 0.1
#define ALIKE_PREFIX_FROM 0.7 /* below this a common beginning says nothing */
#define YEAR_MIN 1850
#define YEAR_MAX 2150

/* The character at *p, which is passed; -1: no UTF-8, one byte is passed. Not at the end. */
static UChar32 next_point(const char **p)
{
	const uint8_t *s = (const uint8_t *)*p;
	int more = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : s[0] < 0xf5 ? 3 : 0;
	UChar32 c = s[0] & (0x7f >> (more ? more + 1 : 0));

	*p += 1;
	if (s[0] >= 0x80 && more == 0)
		return -1;
	for (int i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (s[i] & 0x3f);
	}
	*p += more;
	return c;
}

static size_t point_bytes(UChar32 c, char out[4])
{
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i > 1; i--) {
		out[i - 1] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (char)(n > 1 ? lead[n] | c : c);
	return n;
}

struct out {
	char *text;
	size_t len;
	bool gap; /* a word has ended */
};

static void put_bytes(struct out *o, const char *bytes, size_t n)
{
	size_t need = n + (o->gap && o->len > 0);

	if (o->len + need >= SCORE_TEXT_SIZE)
		return;
	if (o->gap && o->len > 0)
		o->text[o->len++] = ' ';
	o->gap = false;
	memcpy(o->text + o->len, bytes, n);
	o->len += n;
}

/* Letters that Unicode does not take apart. */
static const char *spelt(UChar32 c)
{
	switch (c) {
	case 0xdf:
	case 0x1e9e:
		return "ss";
	case 0xe6:
		return "a";
	case 0x153:
	case 0xf8:
		return "o";
	case 0x142:
		return "l";
	case 0x111:
	case 0xf0:
		return "d";
	case 0xfe:
		return "th";
	case 0x131:
		return "i";
	case 0x127:
		return "h";
	default:
		return NULL;
	}
}

static void put_letter(struct out *o, UChar32 c)
{
	char bytes[4];
	const char *plain;

	c = u_tolower(c);
	plain = spelt(c);
	if (plain) {
		put_bytes(o, plain, strlen(plain));
	} else if (u_isalnum(c)) {
		int32_t digit = u_charDigitValue(c);
		put_bytes(o, bytes, point_bytes(digit >= 0 ? '0' + digit : c, bytes));
	} else if (c != '\'' && c != 0x2019 && c != '`' && c != 0xb4 &&
	           !(U_GET_GC_MASK(c) & (U_GC_M_MASK | U_GC_CF_MASK))) {
		o->gap = true;
	}
}

/* A letter with marks as the letter and its marks; full-width letters as plain ones. */
static void put_point(struct out *o, UChar32 c, const UNormalizer2 *nfkd)
{
	UErrorCode error = U_ZERO_ERROR;
	UChar units[PARTS_MAX];
	UChar32 parts[PARTS_MAX];
	int32_t n =
	    c < 0x80 || !nfkd ? -1 : unorm2_getDecomposition(nfkd, c, units, PARTS_MAX, &error);

	if (n > 0 && U_SUCCESS(error))
		u_strToUTF32(parts, PARTS_MAX, &n, units, n, &error);
	if (n < 0 || U_FAILURE(error)) {
		put_letter(o, c);
		return;
	}
	for (int32_t i = 0; i < n; i++)
		put_letter(o, parts[i]);
}

/* "ae", "oe" and "ue" are how German umlauts are typed where there are none. */
static size_t fold_umlauts(char *text, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		text[used++] = text[i];
		if (strchr("aou", text[i]) && i + 1 < len && text[i + 1] == 'e')
			i++;
	}
	text[used] = '\0';
	return used;
}

void score_text_form(const char *text, char out[SCORE_TEXT_SIZE])
{
	UErrorCode error = U_ZERO_ERROR;
	const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&error);
	struct out o = {out, 0, false};

	while (*text && o.len < SCORE_TEXT_SIZE - 1) {
		UChar32 c = next_point(&text);
		if (c >= 0)
			put_point(&o, c, nfkd);
	}
	fold_umlauts(out, o.len);
}

static void squeeze(char *text)
{
	size_t used = 0;

	for (size_t i = 0; text[i]; i++) {
		if (text[i] != ' ')
			text[used++] = text[i];
	}
	text[used] = '\0';
}

void score_text_code(const char *text, char out[SCORE_TEXT_SIZE])
{
	score_text_form(text, out);
	squeeze(out);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static unsigned number(const char *digits, size_t n)
{
	unsigned v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + (unsigned)(digits[i] - '0');
	return v;
}

/* A day or month that there is not is what somebody typed: one slip from the right one. */
static uint32_t date_of(unsigned year, unsigned month, unsigned day)
{
	if (year < YEAR_MIN || year > YEAR_MAX || month > 99 || day > 99)
		return 0;
	return year * 10000 + month * 100 + day;
}

uint32_t score_text_born(const char *text)
{
	unsigned part[3] = {0};
	size_t len[3] = {0};
	int parts = 0;

	while (*text == ' ')
		text++;
	for (; *text && parts < 3; parts++) {
		while (is_digit(text[len[parts]]) && len[parts] < 8)
			len[parts]++;
		part[parts] = number(text, len[parts]);
		text += len[parts];
		if (parts < 2 && *text && strchr("-./", *text))
			text++;
		else
			break;
	}
	if (strspn(text, " ") != strlen(text))
		return 0;
	if (parts == 0 && len[0] == 8)
		return date_of(part[0] / 10000, part[0] / 100 % 100, part[0] % 100);
	if (parts != 2 || len[1] > 2)
		return 0;
	if (len[0] == 4 && len[2] <= 2)
		return date_of(part[0], part[1], part[2]);
	return len[2] == 4 && len[0] <= 2 ? date_of(part[2], part[1], part[0]) : 0;
}

static int points_of(const char *text, UChar32 out[POINTS_MAX])
{
	int n = 0;

	while (*text && n < POINTS_MAX)
		out[n++] = (uint8_t)*text < 0x80 ? *text++ : next_point(&text);
	return n;
}

/* Letters in common, no further apart than half the longer text; they are marked in taken. */
static int in_common(const UChar32 *a, int na, const UChar32 *b, int nb, bool taken[2][POINTS_MAX])
{
	int reach = (na > nb ? na : nb) / 2 - 1, common = 0;

	for (int i = 0; i < na; i++) {
		int to = i + reach < nb - 1 ? i + reach : nb - 1;
		for (int k = i > reach ? i - reach : 0; k <= to; k++) {
			if (taken[1][k] || a[i] != b[k])
				continue;
			taken[0][i] = taken[1][k] = true;
			common++;
			break;
		}
	}
	return common;
}

static int out_of_order(const UChar32 *a, int na, const UChar32 *b, bool taken[2][POINTS_MAX])
{
	int k = 0, n = 0;

	for (int i = 0; i < na; i++) {
		if (!taken[0][i])
			continue;
		while (!taken[1][k])
			k++;
		n += a[i] != b[k++];
	}
	return n / 2;
}

double score_text_alike(const char *left, const char *right)
{
	UChar32 a[POINTS_MAX], b[POINTS_MAX];
	bool taken[2][POINTS_MAX] = {{false}};
	/* Which letter is taken for which depends on who looks first: always the lesser text. */
	bool turned = strcmp(left, right) > 0;
	int na = points_of(turned ? right : left, a), nb = points_of(turned ? left : right, b);
	int common = in_common(a, na, b, nb, taken), prefix = 0;
	double jaro;

	if (common == 0)
		return na == 1 && nb == 1 && a[0] == b[0] ? 1.0 : 0.0;
	jaro = ((double)common / na + (double)common / nb +
	        (double)(common - out_of_order(a, na, b, taken)) / common) /
	       3;
	if (jaro <= ALIKE_PREFIX_FROM)
		return jaro;
	while (prefix < ALIKE_PREFIX_MAX && prefix < na && prefix < nb && a[prefix] == b[prefix])
		prefix++;
	return jaro + prefix * ALIKE_PREFIX_SCALE * (1 - jaro);
}

bool score_text_one_slip(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), head = 0, tail = 0;

	while (a[head] && a[head] == b[head])
		head++;
	while (tail + head < na && tail + head < nb && a[na - 1 - tail] == b[nb - 1 - tail])
		tail++;
	na -= head + tail;
	nb -= head + tail;
	if (na <= 1 && nb <= 1)
		return true;
	return na == 2 && nb == 2 && a[head] == b[head + 1] && a[head + 1] == b[head];
}

uint64_t score_text_hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 29;
	return h ? h : 1;
}
