/*
 * simulate - one run of the simulated engine: `simulate --help` says what can be asked for.
 */
#include "model.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const design_names[] = {"ticket", "tree", "quiet", "stride", "cursor", "aligned", "audit", "shared"};
enum { DESIGNS = sizeof design_names / sizeof *design_names };

static void usage(FILE *out)
{
	fprintf(out, "usage: simulate --costs FILE [option...]\n"
	             "Simulates the engine on as many CPUs as it has workers, and one for the parent.\n"
	             "  --costs FILE     what single steps cost, as `costs` prints it\n"
	             "  --workers N      1 to 1024 (2)\n"
	             "  --tasks N        of each job, 1 to 10000000 (1000)\n"
	             "  --chunk N        1 to 10000000 (1)\n"
	             "  --task NS        how long a task takes, 0 to 1e9 (0)\n"
	             "  --spread X       it varies by so much, 0 to 1 (0)\n"
	             "  --jobs N         1 to 1000000 (1)\n"
	             "  --open N         so many of them at once, 1 to 64 (1)\n"
	             "  --attended       asynchronous jobs\n"
	             "  --spin US        before somebody sleeps, 0 to 1e6 (50)\n"
	             "  --distance X     a transfer between the halves of the machine, 1 to 100 times one within (1)\n"
	             "  --design NAME    a change, any number of them: ticket tree quiet stride cursor aligned audit "
	             "shared\n"
	             "  --seed N         of the generator (1)\n");
}

static double number(const char *option, const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);
	if (*text == '\0' || *end != '\0' || !(value >= least && value <= most)) {
		fprintf(stderr, "simulate: --%s '%s' is not a number from %.15g to %.15g\n", option, text, least, most);
		exit(2);
	}
	return value;
}

static unsigned design(const char *name)
{
	for (unsigned i = 0; i < DESIGNS; i++)
		if (strcmp(design_names[i], name) == 0)
			return 1u << i;
	fprintf(stderr, "simulate: --design '%s' is none of ticket tree quiet stride cursor aligned audit shared\n",
	        name);
	exit(2);
}

static void read_options(int argc, char **argv, struct load *load, const char **costs)
{
	static const struct option options[] = {{"costs", required_argument, NULL, 'c'},
	                                        {"workers", required_argument, NULL, 'w'},
	                                        {"tasks", required_argument, NULL, 'n'},
	                                        {"chunk", required_argument, NULL, 'k'},
	                                        {"task", required_argument, NULL, 't'},
	                                        {"spread", required_argument, NULL, 'v'},
	                                        {"jobs", required_argument, NULL, 'j'},
	                                        {"open", required_argument, NULL, 'o'},
	                                        {"attended", no_argument, NULL, 'a'},
	                                        {"spin", required_argument, NULL, 's'},
	                                        {"distance", required_argument, NULL, 'x'},
	                                        {"design", required_argument, NULL, 'd'},
	                                        {"seed", required_argument, NULL, 'r'},
	                                        {"help", no_argument, NULL, 'h'},
	                                        {NULL, 0, NULL, 0}};
	int option, index = 0;
	while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
		const char *name = options[index].name;
		switch (option) {
		case 'c':
			*costs = optarg;
			break;
		case 'w':
			load->workers = (unsigned)number(name, optarg, 1, MOST_WORKERS);
			break;
		case 'n':
			load->tasks = (size_t)number(name, optarg, 1, 1e7);
			break;
		case 'k':
			load->chunk = (size_t)number(name, optarg, 1, 1e7);
			break;
		case 't':
			load->task_ns = number(name, optarg, 0, 1e9);
			break;
		case 'v':
			load->spread = number(name, optarg, 0, 1);
			break;
		case 'j':
			load->jobs = (unsigned)number(name, optarg, 1, 1e6);
			break;
		case 'o':
			load->open = (unsigned)number(name, optarg, 1, MODEL_SLOTS);
			break;
		case 'a':
			load->attended = true;
			break;
		case 's':
			load->spin_us = number(name, optarg, 0, 1e6);
			break;
		case 'x':
			load->distance = number(name, optarg, 1, 100);
			break;
		case 'd':
			load->design |= design(optarg);
			break;
		case 'r':
			load->seed = (uint64_t)number(name, optarg, 0, 1e15);
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc || *costs == NULL) {
		usage(stderr);
		exit(2);
	}
}

static void print(const struct load *load, const struct outcome *outcome)
{
	double tasks = (double)load->tasks * load->jobs;
	bool in_parent;
	printf("time       %.0f ns\n", outcome->ns);
	printf("task       %.3f ns\n", outcome->ns / tasks);
	printf("jobs       %.0f a second\n", load->jobs / outcome->ns * 1e9);
	printf("efficiency %.4f\n", outcome->efficiency);
	printf("chunks     %llu, %s\n", (unsigned long long)outcome->chunks_run,
	       outcome->exactly_once ? "each exactly once" : "NOT each exactly once");
	printf("events     %llu\n", (unsigned long long)outcome->events);
	printf("\n%-13s %9s %9s %9s\n", "time at", "workers", "parent", "busiest");
	for (int place = 0; place < PLACES; place++)
		printf("%-13s %8.2f%% %8.2f%% %8.2f%%\n", place_names[place], 100 * outcome->share[place],
		       100 * outcome->parent[place], 100 * outcome->busiest[place]);
	enum place worst = model_bottleneck(outcome, &in_parent);
	printf("\nbottleneck %s%s\n", in_parent ? "the parent: " : "", place_names[worst]);
}

int main(int argc, char **argv)
{
	struct load load = {
	        .workers = 2, .tasks = 1000, .chunk = 1, .jobs = 1, .open = 1, .spin_us = 50, .distance = 1, .seed = 1};
	const char *path = NULL;
	struct costs costs;
	struct outcome outcome;
	read_options(argc, argv, &load, &path);
	if (costs_read(&costs, path) != 0)
		return 2;
	model_run(&load, &costs, &outcome);
	print(&load, &outcome);
	return outcome.exactly_once ? 0 : 1;
}
