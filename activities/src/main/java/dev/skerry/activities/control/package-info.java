/** The worker's side of the control plane's internal API. */
@NullMarked
package dev.skerry.activities.control;

import org.jspecify.annotations.NullMarked;
