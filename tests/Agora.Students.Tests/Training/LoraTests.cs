using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Training;
using Agora.Tests.Checkpoints;
using static TorchSharp.torch;

namespace Agora.Tests.Training;

/// <summary>Low-rank adapters: what is trained, what is left alone, and what is saved.</summary>
[Collection("torch")]
public sealed class LoraTests : IDisposable
{
    private static readonly LoraSpec Full = new() { Rank = 8, Alpha = 8 };
    private static readonly TransformerConfig Config = CheckpointFolderTests.Tiny with { InitializerRange = 0.4, QueryKeyValueBias = true };
    private static readonly TrainingDocument[] Documents = [new([1, 5, 6, 7, 4]), new([1, 8, 9, 4], [false, false, true, true])];

    private readonly TrainingStudents students = new();

    public void Dispose() => students.Dispose();

    [Fact]
    public void Gradients_are_those_of_small_changes()
    {
        using var model = Model(new LoraSpec { Rank = 3, Alpha = 6, Targets = [LoraTarget.QProj, LoraTarget.VProj, LoraTarget.UpProj, LoraTarget.DownProj] }, awaken: true);
        using var gradient = new AutogradGradient(model, 1);
        gradient.Compute(Documents);
        var expected = Numbers(gradient.Sum);
        using var values = model.Adapters!.Values.data<float>();
        var checks = 0;
        for (var i = 0; i < expected.Length; i += 7)
        {
            var at = values[i];
            const float step = 1e-2f;
            values[i] = at + step;
            var above = gradient.Loss(Documents);
            values[i] = at - step;
            var below = gradient.Loss(Documents);
            values[i] = at;
            Assert.Equal((above - below) / (2 * step), expected[i], 2e-3);
            checks += Math.Abs(expected[i]) > 1e-2 ? 1 : 0;
        }
        Assert.True(checks > 10, "too few gradients are large enough to tell");
    }

    [Fact]
    public void Training_begins_at_the_base_model_and_leaves_its_weights_bit_for_bit()
    {
        using var model = Model(Full);
        var before = Numbers(model.Weights);
        using var plain = Model(null);
        using var oracle = new AutogradGradient(plain, 1);
        var gradient = new AutogradGradient(model, 1);
        using var loop = new TrainingLoop(model, new OptimizerSettings(), gradient);
        Assert.Equal(oracle.Loss(Documents), gradient.Loss(Documents), 1e-6);
        var first = loop.Take(new TrainingStep(Documents, 1e-2)).Loss;
        for (var i = 0; i < 30; i++)
            loop.Take(new TrainingStep(Documents, 1e-2));
        Assert.True(gradient.Loss(Documents) < first / 2);
        Assert.Equal(before, Numbers(model.Weights));
    }

    [Fact]
    public void The_merged_model_gives_the_logits_of_base_and_adapters()
    {
        using var model = Model(new LoraSpec { Rank = 2, Alpha = 4, Targets = [LoraTarget.KProj, LoraTarget.OProj, LoraTarget.GateProj] }, awaken: true);
        var apart = Logits(model);
        using (var plain = Model(null))
            Assert.True(apart.Zip(Logits(plain), (a, b) => Math.Abs(a - b)).Max() > 1e-2);
        model.Adapters!.Merge(model);
        model.Adapters.Dispose();
        model.Adapters = null;
        Assert.True(apart.Zip(Logits(model), (a, b) => Math.Abs(a - b)).Max() < 1e-5);
    }

    [Fact]
    public void Targets_decide_which_matrices_change()
    {
        using var model = Model(new LoraSpec { Rank = 2, Targets = [LoraTarget.VProj] }, awaken: true);
        var before = Numbers(model.Weights);
        model.Adapters!.Merge(model);
        var after = Numbers(model.Weights);
        foreach (var place in model.Layout.Places)
        {
            var same = before.AsSpan((int)place.Offset, (int)place.Elements).SequenceEqual(after.AsSpan((int)place.Offset, (int)place.Elements));
            Assert.Equal(!place.Name.EndsWith("v_proj.weight", StringComparison.Ordinal), same);
        }
    }

    [Fact]
    public void A_rank_as_wide_as_the_model_moves_the_loss_far_down()
    {
        using var model = Model(Full);
        var gradient = new AutogradGradient(model, 1);
        using var loop = new TrainingLoop(model, new OptimizerSettings { WeightDecay = 0 }, gradient);
        var first = gradient.Loss(Documents);
        for (var i = 0; i < 200; i++)
            loop.Take(new TrainingStep(Documents, 1e-2));
        // The head is the embedding, which stays as it is: this small, it cannot be surer.
        Assert.True(gradient.Loss(Documents) < 0.3 * first, $"from {first} to {gradient.Loss(Documents)} nats");
    }

    [Fact]
    public async Task A_student_is_saved_with_its_adapters_merged_and_can_be_resumed()
    {
        var recipe = TrainingStudents.Recipe with { Lora = new LoraSpec { Rank = 4, Alpha = 8 }, LearningRate = 2e-2, EvaluationShare = 0.1 };
        var summary = await students.TrainAsync("student", recipe);
        Assert.True(summary.HeldOut!.LossNats[^1] < summary.HeldOut.LossNats[0]);
        using var student = CheckpointFolder.Open(students.File("student"));
        using var saved = TransformerModel.Load(student);
        using var again = new AutogradGradient(saved, 1);
        using var checkpoint = CheckpointFolder.Open(students.BaseModel);
        Assert.Equal(checkpoint.Read("model.embed_tokens.weight"), student.Read("model.embed_tokens.weight"));
        Assert.NotEqual(checkpoint.Read("model.layers.0.self_attn.q_proj.weight"), student.Read("model.layers.0.self_attn.q_proj.weight"));

        using var stop = new CancellationTokenSource();
        var request = students.Request("cut", recipe) with { Checkpoints = new(students.File("state"), "a step") };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => TrainingStudents.TrainAsync(request, new TrainingStudents.Reporter(now =>
        {
            if (now.Step == 7)
                stop.Cancel();
        }), stop.Token));
        await TrainingStudents.TrainAsync(request, new TrainingStudents.Reporter(_ => { }), TestContext.Current.CancellationToken);
        Assert.Equal(students.Weights("student"), students.Weights("cut"));
    }

    [Fact]
    public async Task Rank_alpha_and_targets_each_change_the_student()
    {
        var recipe = TrainingStudents.Recipe with { Epochs = 1, Lora = new LoraSpec { Rank = 4, Alpha = 8 } };
        await students.TrainAsync("one", recipe);
        foreach (var other in new[] { recipe.Lora with { Rank = 2 }, recipe.Lora with { Alpha = 16 }, recipe.Lora with { Targets = [LoraTarget.QProj] } })
        {
            await students.TrainAsync("other", recipe with { Lora = other });
            Assert.NotEqual(students.Weights("one"), students.Weights("other"));
        }
    }

    /// <param name="awaken">Gives B values other than zero.</param>
    private static TransformerModel Model(LoraSpec? spec, bool awaken = false)
    {
        var model = TransformerModel.Initialise(Config, new RandomStreams(5).For("initial weights"));
        if (spec is null)
            return model;
        var random = new RandomStreams(6).For("adapters");
        model.Adapters = new LoraAdapters(model, spec, random);
        if (awaken)
        {
            using var values = model.Adapters.Values.data<float>();
            for (var i = 0; i < values.Count; i++)
                values[i] = (float)(random.NextDouble() - 0.5);
        }
        return model;
    }

    private static float[] Logits(TransformerModel model)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var input = new ModelInput(model.Config, 1, [1, 5, 6, 7, 4], [0, 1, 2, 3, 4], [0, 0, 0, 0, 0]);
        var pieces = model.Split(model.Weights);
        foreach (var (name, values) in model.Adapters?.Split(model.Adapters.Values) ?? [])
            pieces.Add(name, values);
        return TransformerModel.Project(pieces, model.Hidden(pieces, input).flatten(0, 1)).data<float>().ToArray();
    }

    private static float[] Numbers(Tensor values)
    {
        using var data = values.data<float>();
        return data.ToArray();
    }
}
