using Agora.Experiments;

namespace Agora.Tests.Experiments;

public sealed class ExperimentFilesTests
{
    public static TheoryData<string> Shipped =>
        [.. Directory.GetFiles(Path.Combine(Fixtures.Checkout, "experiments"), "*.yaml").Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Shipped))]
    public void Every_shipped_experiment_is_valid(string file) =>
        Assert.Empty(ExperimentFile.Faults(Path.Combine(Fixtures.Checkout, "experiments", file), []));

    [Theory]
    [MemberData(nameof(Shipped))]
    public void An_experiment_written_in_full_reads_back_the_same(string file)
    {
        var written = ExperimentFile.Write(ExperimentFile.Load(Path.Combine(Fixtures.Checkout, "experiments", file), []));
        var faults = new List<ExperimentFault>();
        var again = ExperimentFile.Read(written, "/elsewhere/experiment.yaml", [], faults);
        Assert.Empty(faults);
        Assert.Equal(written, ExperimentFile.Write(again!));
    }

    [Fact]
    public void The_papers_grid_holds_the_papers_settings_and_prices()
    {
        var grid = ExperimentFile.Load(Path.Combine(Fixtures.Checkout, "experiments", "paper-grid.yaml"), []);
        Assert.Equal(Setting.All, grid.Settings);
        Assert.Equal(6, grid.Generators.Length);
        var table = File.ReadLines(Path.Combine(Fixtures.Part("..", "paper"), "table3_cost.csv")).Skip(1).Select(line => line.Split(','));
        Assert.Equal(
            table.Select(row => (row[0], row[1], row[2])),
            grid.Generators.Select(name => (name, Price: grid.Models[name].Price!)).Select(generator =>
                (generator.name, generator.Price.Input.ToString(), generator.Price.Output.ToString())));
    }
}
