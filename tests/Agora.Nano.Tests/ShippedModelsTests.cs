using Agora.Nano;
using Agora.Students.Checkpoints;

namespace Agora.Tests.Nano;

public sealed class ShippedModelsTests
{
    private static readonly string Folder = Path.Combine(Fixtures.Checkout, "nano");

    [Fact]
    public void Everything_shipped_takes_thirty_megabytes_at_most() =>
        Assert.InRange(new DirectoryInfo(Folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length), 1, 30_000_000);

    [Fact]
    public void Four_generators_of_different_sizes_stand_beside_base_and_reference()
    {
        var sizes = NanoBuild.ModelNames.ToDictionary(name => name, Parameters);
        Assert.Equal(sizes["nano-base"], sizes["nano-instruct"]);
        var generators = sizes.Where(model => !model.Key.StartsWith("nano-", StringComparison.Ordinal)).Select(model => model.Value).Order().ToList();
        Assert.Equal(4, generators.Distinct().Count());
        Assert.True(generators[^1] > 10 * generators[0]);
    }

    [Fact]
    public void The_model_card_tells_of_every_model()
    {
        var card = File.ReadAllText(Path.Combine(Folder, "README.md"));
        Assert.All(NanoBuild.ModelNames, name => Assert.Contains($"| `{name}` |", card, StringComparison.Ordinal));
    }

    // Opening a folder holds every tensor's name and shape against config.json.
    private static long Parameters(string name)
    {
        using var checkpoint = CheckpointFolder.Open(Path.Combine(Folder, "models", name));
        return checkpoint.Config.Tensors().Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size));
    }

    // A recipe, domain, meta-prompt or tokenizer that changed without a new training would leave a card that describes other models.
    [Fact]
    public void The_shipped_models_are_those_that_a_build_of_this_code_would_leave_alone()
    {
        var build = new NanoBuild(Path.Combine(Fixtures.Checkout, "nano"), threads: 1, new Progress<string>());
        Assert.All(build.Keys(), model => Assert.Equal(model.Value, build.ReadTraining(model.Key)!.Key));
    }
}
