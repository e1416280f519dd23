/** The process that polls Temporal: workflows, activities, health. */
@NullMarked
package dev.skerry.worker;

import org.jspecify.annotations.NullMarked;
