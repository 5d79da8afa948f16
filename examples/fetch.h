/* Fetching a page with libcurl in a task: what urls.c and first_answer.c share.  Each worker has a handle of its
 * own, which keeps the connection open from one page to the next; it is what initializer and finalizer are for.
 * curl_global_init() must have been called before the pool is created. */
#ifndef FETCH_H
#define FETCH_H

#include <curl/curl.h>
#include <forkpool.h>
#include <stdio.h>
#include <string.h>

typedef char fetch_url[96];
typedef struct {
	char text[96]; /* the beginning of the page, with its '\0' */
	size_t length; /* of the whole page */
} fetch_page;

/* Called by curl with each piece of a page. */
static size_t fetch_take(char *piece, size_t one, size_t length, void *arg)
{
	fetch_page *page = arg;
	size_t begin = page->length, room = sizeof page->text - 1;
	if (begin < room)
		memcpy(page->text + begin, piece, length < room - begin ? length : room - begin);
	page->length += length;
	return one * length;
}

/* Called by curl at least once a second: ends the fetch if nobody wants it any more.  Processes need no such
 * asking, they can be killed. */
static int fetch_unwanted(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
	(void)arg, (void)total, (void)now, (void)up_total, (void)up_now;
	return forkpool_cancelled();
}

/* The pool's initializer. */
static int fetch_open(unsigned worker, void **state, void *arg)
{
	CURL *curl = curl_easy_init();
	(void)worker, (void)arg;
	if (!curl)
		return forkpool_fail_text(1, "curl_easy_init() has no memory");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, fetch_take);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, fetch_unwanted);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L); /* 404 is a failure */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);    /* as threads need it */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");       /* the server is on this machine */
	*state = curl;
	return 0;
}

/* The pool's finalizer. */
static void fetch_close(unsigned worker, void *state, void *arg)
{
	(void)worker, (void)arg;
	curl_easy_cleanup(state);
}

/* The task: from a fetch_url to a fetch_page. */
static int fetch(const void *url, void *result, void *ctx)
{
	CURL *curl = forkpool_worker_state();
	fetch_page *page = result;
	(void)ctx;
	memset(page, 0, sizeof *page);
	curl_easy_setopt(curl, CURLOPT_URL, (const char *)url);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, page);
	CURLcode code = curl_easy_perform(curl);
	return code == CURLE_OK ? 0 : forkpool_fail((int)code, "%s: %s", (const char *)url, curl_easy_strerror(code));
}

#endif
