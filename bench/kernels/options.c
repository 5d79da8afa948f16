/*
 * options - prices of European options by the formula of F. Black and M. Scholes, "The
 * Pricing of Options and Corporate Liabilities", Journal of Political Economy 81 (1973).
 *
 * An item is a row of a table: price of the stock, strike, risk-free rate, volatility,
 * years to expiry; the result, the prices of a call and a put.  The first two rows are
 * textbook examples with printed answers; the others are drawn from a fixed seed.  In
 * every row call - put must be stock - strike * exp(-rate * years), which the two
 * formulas do not know of.
 */
#include "kernel.h"
#include <math.h>
#include <stdio.h>

struct row {
	double stock, strike, rate, volatility, years;
};

struct price {
	double call, put;
};

static const struct {
	struct row row;
	struct price price;
	double half_digit; /* half a unit of the last digit printed */
	const char *source;
} textbook[] = {
        {{42, 40, 0.10, 0.20, 0.5},
         {4.76, 0.81},
         0.005,
         "Hull"}, /* J. C. Hull, Options, Futures, and Other Derivatives */
        {{60, 65, 0.08, 0.30, 0.25}, {2.1334, 5.8463}, 0.00005, "Haug"}, /* E. G. Haug, Option Pricing Formulas */
};
enum { TEXTBOOK_ROWS = sizeof textbook / sizeof *textbook };

static double normal_cdf(double x)
{
	return erfc(-x * 0.70710678118654752440) / 2;
}

static int options(const void *item, void *result, void *ctx)
{
	(void)ctx;
	struct row row = *(const struct row *)item;
	if (!(row.stock > 0 && row.strike > 0 && row.volatility > 0 && row.years > 0))
		return forkpool_fail(1, "stock %g, strike %g, volatility %g, years %g: all must be above 0", row.stock,
		                     row.strike, row.volatility, row.years);
	double spread = row.volatility * sqrt(row.years);
	double d1 = (log(row.stock / row.strike) + row.rate * row.years) / spread + spread / 2;
	double d2 = d1 - spread;
	double strike_now = row.strike * exp(-row.rate * row.years);
	*(struct price *)result = (struct price){
	        .call = row.stock * normal_cdf(d1) - strike_now * normal_cdf(d2),
	        .put = strike_now * normal_cdf(-d2) - row.stock * normal_cdf(-d1),
	};
	return 0;
}

FORKPOOL_PLUGIN(options, "Black-Scholes: stock, strike, rate, volatility, years -> call, put", options, FORKPOOL_DOUBLE,
                5, FORKPOOL_DOUBLE, 2);

/* Uniform in low .. high, a new number for each call. */
static double draw(uint64_t *counter, double low, double high)
{
	return low + (high - low) * 0x1p-64 * (double)forkpool_seed(1973, (*counter)++);
}

static void fill(const struct kernel_problem *problem)
{
	struct row *rows = problem->items;
	uint64_t counter = 0;
	for (size_t i = 0; i < TEXTBOOK_ROWS; i++)
		rows[i] = textbook[i].row;
	for (size_t i = TEXTBOOK_ROWS; i < problem->tasks; i++) {
		rows[i].stock = draw(&counter, 10, 200);
		rows[i].strike = rows[i].stock * draw(&counter, 0.5, 1.5);
		rows[i].rate = draw(&counter, 0, 0.1);
		rows[i].volatility = draw(&counter, 0.05, 0.65);
		rows[i].years = draw(&counter, 0.05, 2);
	}
}

static int run(forkpool *pool, const struct kernel_problem *problem, const forkpool_opts *opts)
{
	return forkpool_map(pool, options, problem->items, problem->tasks, sizeof(struct row), problem->answer,
	                    sizeof(struct price), opts);
}

static bool check(const struct kernel_problem *problem, char *text, size_t length)
{
	const struct row *rows = problem->items;
	const struct price *prices = problem->answer;
	bool right = true;
	for (size_t i = 0; i < TEXTBOOK_ROWS; i++)
		right = right && fabs(prices[i].call - textbook[i].price.call) <= textbook[i].half_digit &&
		        fabs(prices[i].put - textbook[i].price.put) <= textbook[i].half_digit;
	double worst = 0; /* deviation from put-call parity, relative to the stock */
	for (size_t i = 0; i < problem->tasks; i++) {
		double parity = rows[i].stock - rows[i].strike * exp(-rows[i].rate * rows[i].years);
		double deviation = fabs(prices[i].call - prices[i].put - parity) / rows[i].stock;
		right = right && deviation < 1e-13; /* not so for NaN */
		worst = fmax(worst, deviation);
	}
	snprintf(text, length, "%s: call %.4f, put %.4f, printed %.2f, %.2f; put-call parity off by %.1e at most",
	         textbook[0].source, prices[0].call, prices[0].put, textbook[0].price.call, textbook[0].price.put,
	         worst);
	return right;
}

#define SIZE(LOG2)                                                                                                     \
	{                                                                                                              \
		"2^" #LOG2 " options", 1 << LOG2, (1 << LOG2) * sizeof(struct price)                                   \
	}

const struct kernel forkpool_kernel = {
        .abi = KERNEL_ABI,
        .name = "options",
        .summary = "Black-Scholes prices over a table",
        .plugin = &forkpool_plugin_options,
        .item_size = sizeof(struct row),
        .sizes = {SIZE(18), SIZE(22), SIZE(24)},
        .fill = fill,
        .run = run,
        .check = check,
};
