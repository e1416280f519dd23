package dev.skerry.reaper;

import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;

/** One sweep over every metro: what providers have, minus what living sessions own. */
@WorkflowInterface
public interface ReapOrphansWorkflow {
    @WorkflowMethod
    ReapReport run(ReapOrder order);
}
