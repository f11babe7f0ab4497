using Agora.Students.Training;

namespace Agora.Tests.Training;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void Warm_up_rises_in_equal_steps_to_the_full_rate() =>
        Assert.Equal([0.25, 0.5, 0.75, 1, 1], Enumerable.Range(0, 5).Select(step => LearningRateSchedule.Warmup(step, warmupSteps: 3)));

    [Theory]
    [InlineData(DecayShape.Constant, 1, 1)]
    [InlineData(DecayShape.Linear, 0.6, 0.2)]
    [InlineData(DecayShape.Cosine, 0.6, 0.2)]
    public void The_decay_is_halfway_in_the_middle_and_ends_at_the_final_share(DecayShape shape, double middle, double end)
    {
        Assert.Equal(1, LearningRateSchedule.Share(0, 11, 0, shape, 0.2), 12);
        Assert.Equal(middle, LearningRateSchedule.Share(5, 11, 0, shape, 0.2), 12);
        Assert.Equal(end, LearningRateSchedule.Share(10, 11, 0, shape, 0.2), 12);
    }
}
