using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Inference;
using Microsoft.Extensions.AI;

namespace Agora.Tests.Inference;

public sealed class EmbeddedModelsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly EmbeddedModels models = new(threads: 1);

    public EmbeddedModelsTests() => RandomModel.Write(folder.Path);

    public void Dispose()
    {
        models.Dispose();
        folder.Dispose();
    }

    private ModelSpec Spec(int maxParallel = 64) => new() { Provider = EmbeddedModels.ProviderName, Path = folder.Path, MaxParallel = maxParallel };

    private static InferenceEngine EngineOf(IChatClient chat) => chat.GetService<InferenceEngine>()!;

    [Fact]
    public async Task One_folder_is_one_engine_however_many_specs_name_it()
    {
        var first = await models.OpenChatAsync(Spec(), TestContext.Current.CancellationToken);
        var second = await models.OpenChatAsync(Spec(maxParallel: 3), TestContext.Current.CancellationToken);
        using var lease = await models.RentAsync(folder.Path, TestContext.Current.CancellationToken);
        Assert.Same(EngineOf(first), EngineOf(second));
        Assert.Same(EngineOf(first), lease.Engine);
    }

    [Fact]
    public async Task The_engine_stays_until_its_last_user_has_closed_it()
    {
        var first = await models.OpenChatAsync(Spec(), TestContext.Current.CancellationToken);
        await models.OpenChatAsync(Spec(maxParallel: 3), TestContext.Current.CancellationToken);
        var engine = EngineOf(first);
        await models.CloseAsync(Spec(maxParallel: 3));
        await engine.EmbedAsync([1], TestContext.Current.CancellationToken);
        await models.CloseAsync(Spec());
        await models.CloseAsync(Spec());
        var reopened = await models.OpenChatAsync(Spec(), TestContext.Current.CancellationToken);
        Assert.NotSame(engine, EngineOf(reopened));
    }

    [Fact]
    public async Task Identity_follows_the_files_and_not_their_place()
    {
        using var copy = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(folder.Path))
            File.Copy(file, copy.File(Path.GetFileName(file)));
        var there = Spec() with { Path = copy.Path };
        var identity = await models.IdentifyAsync(Spec(), TestContext.Current.CancellationToken);
        Assert.Equal(identity, await models.IdentifyAsync(there, TestContext.Current.CancellationToken));
        File.WriteAllText(copy.File("README.md"), "not part of what answers");
        Assert.Equal(identity, await models.IdentifyAsync(there, TestContext.Current.CancellationToken));
        File.AppendAllText(copy.File("tokenizer.json"), "\n");
        Assert.NotEqual(identity, await models.IdentifyAsync(there, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_an_error_that_says_so()
    {
        var missing = Spec() with { Path = folder.File("nowhere") };
        Assert.Equal("no such model folder", (await Assert.ThrowsAsync<AgoraException>(() => models.OpenChatAsync(missing, TestContext.Current.CancellationToken))).What);
        Assert.Equal("no such model folder", (await Assert.ThrowsAsync<AgoraException>(() => models.IdentifyAsync(missing, TestContext.Current.CancellationToken))).What);
    }

    [Fact]
    public async Task A_folder_without_tokenizer_is_an_error_that_names_it()
    {
        File.Delete(folder.File("tokenizer.json"));
        var fault = await Assert.ThrowsAsync<AgoraException>(() => models.OpenChatAsync(Spec(), TestContext.Current.CancellationToken));
        Assert.Contains("tokenizer.json", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_was_mended_opens_the_next_time()
    {
        var tokenizer = folder.File("tokenizer.json");
        File.Move(tokenizer, tokenizer + ".away");
        await Assert.ThrowsAsync<AgoraException>(() => models.OpenChatAsync(Spec(), TestContext.Current.CancellationToken));
        File.Move(tokenizer + ".away", tokenizer);
        Assert.NotNull(await models.OpenChatAsync(Spec(), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Weights_that_are_not_numbers_are_refused_by_name()
    {
        const string Name = "model.layers.1.mlp.down_proj.weight";
        using (var checkpoint = CheckpointFolder.Open(folder.Path))
        {
            var tensors = checkpoint.Config.Tensors().Select(tensor =>
            {
                var values = checkpoint.Read(tensor.Name);
                if (tensor.Name == Name)
                    values[^1] = float.NaN;
                return TensorToSave.Of(tensor.Name, tensor.Shape, FloatType.F32, values);
            }).ToList();
            SafetensorsWriter.Write(folder.File("model.safetensors"), tensors);
        }
        var fault = Assert.Throws<AgoraException>(() => InferenceEngine.Load(folder.Path, threads: 1));
        Assert.Contains(Name, fault.What, StringComparison.Ordinal);
    }
}
