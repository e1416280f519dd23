/** The one HTTP client of a worker: deadlines, JSON, an observation for every call. */
@NullMarked
package dev.skerry.activities.http;

import org.jspecify.annotations.NullMarked;
