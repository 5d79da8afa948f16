/*
 * plugin.c - which file and function `FILE.so:NAME` names, and whether a description of a
 * function can be believed (src/cli/function.c).
 *
 * The input is a description's fields (struct fields), then the text.  Nothing is loaded: what would be is
 * compared with what the text says.
 */
#include "fuzz.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Characters, so that seeds are text; whatever is not a digit is also a number. */
struct fields {
	uint8_t abi;           /* from '0' */
	uint8_t item_type;     /* modulo 8 */
	uint8_t result_type;   /* modulo 8 */
	uint8_t given;         /* odd: there is a function; 2: no object; 4: no symbol */
	uint8_t item_length;   /* from '0', and shifted by */
	uint8_t shift;         /* modulo 64 */
	uint8_t result_length; /* from '0' */
};

static struct fields fields;
static forkpool_plugin described;
static char opened[8192], looked_up[8192];

static int nothing(const void *item, void *result, void *ctx)
{
	(void)item, (void)result, (void)ctx;
	return 0;
}

static void *open_object(const char *path, int mode)
{
	(void)mode;
	require(opened[0] == '\0' && strlen(path) < sizeof opened, "one object is opened");
	strcpy(opened, path);
	return fields.given & 2 ? NULL : &described;
}

static void *look_up(void *object, const char *name)
{
	require(object == &described, "a symbol of the object is looked up");
	require(looked_up[0] == '\0' && strlen(name) < sizeof looked_up, "one symbol is looked up");
	strcpy(looked_up, name);
	return fields.given & 4 ? NULL : &described;
}

static char *say_why(void)
{
	static char text[] = "there is no such file";
	return text;
}

#define dlopen  open_object
#define dlsym   look_up
#define dlerror say_why
#include "../../src/cli/function.c"

__extension__ typedef unsigned __int128 wide;

static bool can_be_believed(void)
{
	static const size_t sizes[] = {8, 8, 8, 4, 4, 1};

	if (described.abi != FORKPOOL_PLUGIN_ABI || described.function == NULL || (size_t)described.item_type > 5 ||
	    (size_t)described.result_type > 5 || described.item_length == 0 || described.result_length == 0)
		return false;
	return (wide)described.item_length * sizes[described.item_type] <= SIZE_MAX &&
	       (wide)described.result_length * sizes[described.result_type] <= SIZE_MAX;
}

static void check_description(const struct function *function)
{
	require(function->item == number_of(described.item_type) &&
	                function->result == number_of(described.result_type),
	        "the types are those described");
	require(function->item_size / described.item_length == function->item->size &&
	                function->item_size % described.item_length == 0 &&
	                function->result_size / described.result_length == function->result->size &&
	                function->result_size % described.result_length == 0,
	        "the sizes are those described");
}

/* What should be opened and looked up, and whether that can succeed. */
static bool read_plainly(const char *text, char *file, char *name)
{
	const char *colon = strrchr(text, ':');

	*file = *name = '\0';
	if (colon == NULL || colon == text || colon[1] == '\0')
		return false;
	int length = (int)(colon - text);
	const char *prefix = memchr(text, '/', (size_t)length) != NULL ? "" : "./";
	if (length + strlen(prefix) >= PATH_MAX)
		return false;
	sprintf(file, "%s%.*s", prefix, length, text);
	if (fields.given & 2 || strlen(colon + 1) + strlen("forkpool_plugin_") >= 512)
		return false;
	sprintf(name, "forkpool_plugin_%s", colon + 1);
	return !(fields.given & 4) && can_be_believed();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char file[8192], name[8192];
	struct function function;

	if (size < sizeof fields || size > 6000)
		return 0;
	memcpy(&fields, data, sizeof fields);
	described = (forkpool_plugin){
	        .abi = fields.abi - '0',
	        .function = fields.given & 1 ? nothing : NULL,
	        .item_type = (forkpool_type)(fields.item_type % 8),
	        .result_type = (forkpool_type)(fields.result_type % 8),
	        .item_length = ((size_t)fields.item_length - '0') << fields.shift % 64,
	        .result_length = (size_t)fields.result_length - '0',
	};
	char *text = fuzz_copy(data + sizeof fields, size - sizeof fields, true);
	opened[0] = looked_up[0] = '\0';
	complaints = 0;
	bool wanted = read_plainly(text, file, name);
	int failed = function_load(&function, text);
	require(!failed == wanted, "'%s' should %s: %s", text, wanted ? "be found" : "be refused", complaint);
	require(strcmp(opened, file) == 0, "'%s' is opened, should be '%s'", opened, file);
	require(strcmp(looked_up, name) == 0, "'%s' is looked up, should be '%s'", looked_up, name);
	require(complaints == (wanted ? 0 : 1), "a complaint, or success: %u", complaints);
	if (wanted)
		check_description(&function);
	free(text);
	return 0;
}
