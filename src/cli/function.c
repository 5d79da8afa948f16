/*
 * function.c - the function that is applied, from a plugin.
 *
 * A plugin is a shared object that exports a forkpool_plugin for each of its functions.
 * What a description says is checked here, once; the rest of the command trusts it.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

int function_describe(struct function *function, const forkpool_plugin *plugin, const char *what)
{
	if (plugin->abi != FORKPOOL_PLUGIN_ABI) {
		complain("'%s' was built for version %d of the plugin interface; this is version %d", what, plugin->abi,
		         FORKPOOL_PLUGIN_ABI);
		return -1;
	}
	function->plugin = *plugin;
	function->item = number_of(plugin->item_type);
	function->result = number_of(plugin->result_type);
	if (!plugin->function || !function->item || !function->result) {
		complain("'%s' is described wrongly: function %s, item type %d, result type %d; types are 0 to %d",
		         what, plugin->function ? "given" : "missing", (int)plugin->item_type, (int)plugin->result_type,
		         FORKPOOL_UINT8);
		return -1;
	}
	if (plugin->item_length < 1 || plugin->result_length < 1 ||
	    __builtin_mul_overflow(plugin->item_length, function->item->size, &function->item_size) ||
	    __builtin_mul_overflow(plugin->result_length, function->result->size, &function->result_size)) {
		complain("'%s' is described wrongly: item length %zu, result length %zu; they are at least 1, and fit "
		         "into memory",
		         what, plugin->item_length, plugin->result_length);
		return -1;
	}
	return 0;
}

void *function_open(const char *file)
{
	char path[4096];
	void *object;

	/* Without a slash dlopen() would look among the system's libraries. */
	if ((size_t)snprintf(path, sizeof path, "%s%s", strchr(file, '/') ? "" : "./", file) >= sizeof path) {
		complain("the name of the plugin is too long: %s", file);
		return NULL;
	}
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		complain("the plugin cannot be loaded: %s", dlerror());
	return object;
}

static const forkpool_plugin *find_plugin(void *object, const char *name)
{
	char symbol[512];

	if ((size_t)snprintf(symbol, sizeof symbol, "forkpool_plugin_%s", name) >= sizeof symbol)
		return NULL;
	return dlsym(object, symbol);
}

int function_load(struct function *function, const char *spec)
{
	const char *colon = strrchr(spec, ':');
	const forkpool_plugin *plugin;
	char *file;
	void *object;

	if (!colon || colon == spec || !colon[1]) {
		complain("'%s' does not name a function: FILE.so:NAME is needed, or -e EXPRESSION "
		         "(`forkpool map --list FILE.so` lists the names)",
		         spec);
		return -1;
	}
	file = strndup(spec, (size_t)(colon - spec));
	object = file ? function_open(file) : NULL;
	plugin = object ? find_plugin(object, colon + 1) : NULL;
	if (object && !plugin)
		complain("%s has no function '%s'; `forkpool map --list %s` lists what it has", file, colon + 1, file);
	free(file);
	return plugin ? function_describe(function, plugin, spec) : -1;
}
