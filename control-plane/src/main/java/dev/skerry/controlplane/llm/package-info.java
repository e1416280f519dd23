/** Models: one message model, one provider port, its adapters, and what each model costs. */
@NullMarked
package dev.skerry.controlplane.llm;

import org.jspecify.annotations.NullMarked;
