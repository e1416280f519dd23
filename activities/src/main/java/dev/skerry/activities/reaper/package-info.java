/** The reaper's look at one metro and at Temporal. */
@NullMarked
package dev.skerry.activities.reaper;

import org.jspecify.annotations.NullMarked;
