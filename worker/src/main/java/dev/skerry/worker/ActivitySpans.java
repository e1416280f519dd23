package dev.skerry.worker;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.temporal.activity.ActivityExecutionContext;
import io.temporal.activity.ActivityInfo;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptor;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptorBase;
import io.temporal.common.interceptors.WorkerInterceptorBase;
import org.jspecify.annotations.Nullable;

/** Makes a span of each attempt of an activity, in the trace of whoever started the workflow. */
final class ActivitySpans extends WorkerInterceptorBase {
    private final ObservationRegistry observations;

    ActivitySpans(ObservationRegistry observations) {
        this.observations = observations;
    }

    @Override
    public ActivityInboundCallsInterceptor interceptActivity(ActivityInboundCallsInterceptor next) {
        return new Observed(next);
    }

    private final class Observed extends ActivityInboundCallsInterceptorBase {
        private @Nullable ActivityInfo activity;

        Observed(ActivityInboundCallsInterceptor next) {
            super(next);
        }

        @Override
        public void init(ActivityExecutionContext context) {
            activity = context.getInfo();
            super.init(context);
        }

        @Override
        public ActivityOutput execute(ActivityInput input) {
            ActivityInfo known = activity;
            if (known == null) {
                return super.execute(input);
            }
            return Observation.createNotStarted("skerry.activity", observations)
                    .contextualName(known.getActivityType())
                    .lowCardinalityKeyValue("activity", known.getActivityType())
                    .highCardinalityKeyValue("workflow", known.getWorkflowId())
                    .highCardinalityKeyValue("attempt", Integer.toString(known.getAttempt()))
                    .observe(() -> super.execute(input));
        }
    }
}
