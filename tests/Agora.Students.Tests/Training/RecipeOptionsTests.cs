using Agora.Experiments;
using Agora.Students.Training;

namespace Agora.Tests.Training;

/// <summary>Each option of the recipe changes what training does.</summary>
[Collection("torch")]
public sealed class RecipeOptionsTests : IDisposable
{
    private readonly TrainingStudents students = new();

    public void Dispose() => students.Dispose();

    [Theory]
    [InlineData(Schedule.EpochDecay, 0.5, 0.5, 0.25)]
    [InlineData(Schedule.Constant, 1, 1, 1)]
    [InlineData(Schedule.Linear, 0.6, 0.52, 0.2)]
    [InlineData(Schedule.Cosine, 0.6, 0.475, 0.2)]
    public void The_schedule_moves_the_learning_rate_between_warm_up_and_the_end(Schedule schedule, double middle, double next, double end)
    {
        // Eleven steps in three epochs of four.
        var recipe = new StudentRecipe { LearningRate = 0.5, Schedule = schedule, EpochDecay = 0.5, FinalLearningRateShare = 0.2 };
        Assert.Equal(1, LearningRateSchedule.Of(recipe, 0, 11, 0) / 0.5, 12);
        Assert.Equal(middle, LearningRateSchedule.Of(recipe, 5, 11, 1) / 0.5, 12);
        Assert.Equal(next, LearningRateSchedule.Of(recipe, 6, 11, 1) / 0.5, 2);
        Assert.Equal(end, LearningRateSchedule.Of(recipe, 10, 11, 2) / 0.5, 12);
        var warm = recipe with { WarmupSteps = 3 };
        Assert.Equal([0.25, 0.5, 0.75, 1], Enumerable.Range(0, 4).Select(step => LearningRateSchedule.Of(warm, step, 11, 0) / 0.5));
    }

    [Theory]
    [InlineData(Schedule.Constant)]
    [InlineData(Schedule.Linear)]
    [InlineData(Schedule.Cosine)]
    public async Task The_schedule_reaches_the_training(Schedule schedule)
    {
        var recipe = TrainingStudents.Recipe with { Schedule = schedule };
        var summary = await students.TrainAsync("scheduled", recipe);
        Assert.Equal(Enumerable.Range(0, summary.Steps).Select(step => LearningRateSchedule.Of(recipe, step, summary.Steps, 0)), summary.Losses.Select(loss => loss.LearningRate));
        await students.TrainAsync("usual", TrainingStudents.Recipe);
        Assert.NotEqual(students.Weights("usual"), students.Weights("scheduled"));
    }

    [Fact]
    public async Task The_final_share_of_the_learning_rate_is_where_a_falling_schedule_ends()
    {
        var summary = await students.TrainAsync("out", TrainingStudents.Recipe with { Schedule = Schedule.Linear, FinalLearningRateShare = 0.5 });
        Assert.Equal(0.5 * TrainingStudents.Recipe.LearningRate, summary.Losses[^1].LearningRate, 12);
    }

    [Fact]
    public async Task Held_out_rows_are_not_trained_on_and_their_loss_is_measured_before_the_first_step_and_after_each_epoch()
    {
        var whole = await students.TrainAsync("whole", TrainingStudents.Recipe);
        var part = await students.TrainAsync("part", TrainingStudents.Recipe with { EvaluationShare = 0.25 });
        Assert.Null(whole.HeldOut);
        Assert.Equal(9, part.HeldOut!.Rows);
        Assert.Equal(TrainingStudents.Recipe.Epochs + 1, part.HeldOut.LossNats.Length);
        Assert.True(part.HeldOut.LossNats[^1] < part.HeldOut.LossNats[0], string.Join(' ', part.HeldOut.LossNats));
        // Before the first step both see the same model: the mean over all rows lies between.
        Assert.InRange(part.HeldOut.LossNats[0], 0.8 * whole.FirstLossNats, 1.2 * whole.FirstLossNats);
        Assert.InRange(part.Tokens, 0.7 * whole.Tokens, 0.8 * whole.Tokens);
    }

    [Fact]
    public async Task The_seed_decides_which_rows_are_held_out()
    {
        var recipe = TrainingStudents.Recipe with { EvaluationShare = 0.25, Epochs = 1 };
        async Task<double> Loss(long seed) => (await TrainingStudents.TrainAsync(students.Request("out", recipe) with { Seed = seed }, new TrainingStudents.Reporter(_ => { }), TestContext.Current.CancellationToken)).HeldOut!.LossNats[0];
        Assert.Equal(await Loss(1), await Loss(1));
        Assert.NotEqual(await Loss(1), await Loss(2));
    }

    [Fact]
    public async Task Plain_packing_lets_documents_see_each_other_and_never_passes_the_models_context()
    {
        var isolated = await students.TrainAsync("isolated", TrainingStudents.Recipe with { MaxLength = 96, Epochs = 1 });
        var plain = await students.TrainAsync("plain", TrainingStudents.Recipe with { MaxLength = 4096, Epochs = 1, Packing = Packing.Plain });
        // The model reads 96 tokens, so that no more are joined: two sequences of 96 a step.
        Assert.Equal((plain.Tokens + 2 * 96 - 1) / (2 * 96), plain.Steps);
        Assert.Equal(isolated.Tokens, plain.Tokens);
        Assert.NotEqual(students.Weights("isolated"), students.Weights("plain"));
    }

    [Fact]
    public void A_document_joined_to_another_one_sees_it_and_counts_positions_on()
    {
        using var model = TransformerModel.Initialise(Checkpoints.CheckpointFolderTests.Tiny with { InitializerRange = 0.4 }, new RandomStreams(5).For("initial weights"));
        TrainingDocument first = new([1, 5, 6, 7]), second = new([1, 8, 9, 4], [false, true, true, true]);
        var joined = Assert.Single(Assert.Single(SequencePacker.Pack([first, second], 16, Packing.Plain)));
        foreach (IStepGradient gradient in new IStepGradient[] { new LanedGradient(model, 1, sharing: true), new AutogradGradient(model, 1) })
        {
            using (gradient)
            {
                var apart = (3 * gradient.Loss([first]) + 3 * gradient.Loss([second])) / 6;
                Assert.Equal(apart, gradient.Loss(SequencePacker.Pack([first, second], 16, Packing.Isolated)[0]), 1e-5);
                Assert.True(Math.Abs(apart - gradient.Loss([joined])) > 1e-3);
            }
        }
    }

    [Fact]
    public void The_loss_alone_is_that_of_the_gradient()
    {
        using var model = TransformerModel.Initialise(Checkpoints.CheckpointFolderTests.Tiny, new RandomStreams(5).For("initial weights"));
        TrainingDocument[] documents = [new([1, 5, 6, 7]), new([1, 8, 9, 4], [false, false, true, true])];
        foreach (IStepGradient gradient in new IStepGradient[] { new LanedGradient(model, 1, sharing: true), new AutogradGradient(model, 1) })
        {
            using (gradient)
                Assert.Equal(gradient.Compute(documents), gradient.Loss(documents), 1e-6);
        }
    }
}
