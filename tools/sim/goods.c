/* The assortment: 16 articles that sell most, and the shelves, put together from words. Pure:
 * article n is the same for ever. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "sim/basket.h"

static const struct sim_good front[] = {
    {"4006381333931", "Highlighter", "piece", 149, false},
    {"4311501043271", "Rye bread", "piece", 289, false},
    {"4000521006112", "Oat milk 1 l", "piece", 179, false},
    {"2012345", "Apples", "kg", 349, true},
    {"2012346", "Carrots", "kg", 129, true},
    {"4008400404127", "Hazelnut spread", "piece", 399, false},
    {"4311501611456", "Butter 250 g", "piece", 239, false},
    {"5449000000996", "Cola 0.33 l", "piece", 99, false},
    {"4260107220015", "Coffee 500 g", "piece", 799, false},
    {"4001724819806", "Pizza", "piece", 325, false},
    {"4316268596299", "Eggs, ten", "piece", 259, false},
    {"4005500037224", "Cocoa", "piece", 219, false},
    {"2012347", "Cheese", "kg", 1590, true},
    {"8076809513692", "Pasta 500 g", "piece", 189, false},
    {"4037400353593", "Soap", "piece", 115, false},
    {"4066600641919", "Beer 0.5 l", "piece", 105, false},
};
#define FRONT ((uint32_t)(sizeof front / sizeof front[0]))

static const char *const makers[] = {"Altmark",  "Birkner",  "Casa Lena", "Dorfgut",   "Elbtal",
                                     "Fjordby",  "Gutsherr", "Heideland", "Ilse",      "Jansen",
                                     "Kornblum", "Lindau",   "Mondo",     "Nordlicht", "Olmo",
                                     "Pfiff",    "Quell",    "Rheingold", "Sonnhof",   "Tilda"};
static const char *const things[] = {
    "Yoghurt natural", "Apple juice",     "Wholemeal toast",  "Tomatoes, sieved", "Muesli bar",
    "Cream cheese",    "Dish soap",       "Orange marmalade", "Green tea",        "Crispbread",
    "Mustard, medium", "Peanuts, salted", "Kitchen roll",     "Salami, sliced",   "Potato crisps",
    "Dog food",        "Sunflower oil",   "Basmati rice",     "Toothpaste",       "Frozen peas"};
static const char *const sizes[] = {"150 g", "250 g", "400 g", "500 g",
                                    "750 g", "1 l",   "1.5 l", "6 x"};
#define COUNT(list) ((uint32_t)(sizeof list / sizeof list[0]))

/* An EAN-13 of a German number space with its check digit. */
static void ean13(char out[14], uint32_t n)
{
	int sum = 0;

	snprintf(out, 14, "40%05u%05u", 10000 + n * 7919 % 90000, n * 104729 % 100000);
	for (int i = 0; i < 12; i++)
		sum += (out[i] - '0') * (i % 2 ? 3 : 1);
	out[12] = (char)('0' + (10 - sum % 10) % 10);
	out[13] = '\0';
}

uint32_t sim_good_pick(struct sim_random *r)
{
	/* A few articles make most of the lines. */
	uint32_t a = sim_random_below(r, SIM_GOODS), b = sim_random_below(r, SIM_GOODS);

	return sim_random_chance(r, 40) ? sim_random_below(r, FRONT) : a * b / SIM_GOODS;
}

void sim_good(uint32_t n, struct sim_good *out)
{
	if (n < FRONT) {
		*out = front[n];
		return;
	}
	ean13(out->sku, n);
	snprintf(out->name, sizeof out->name, "%s %s %s", makers[n % COUNT(makers)],
	         things[n / COUNT(makers) % COUNT(things)],
	         sizes[n / COUNT(makers) / COUNT(things) % COUNT(sizes)]);
	text_copy(out->unit, sizeof out->unit, "piece");
	out->cents = 49 + (int)(n * 37 % 1200) / 10 * 10;
	out->weighed = false;
}
