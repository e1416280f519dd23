/** The one place that speaks to Temporal. */
@NullMarked
package dev.skerry.api.workflow;

import org.jspecify.annotations.NullMarked;
