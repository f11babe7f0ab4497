using Agora.Benchmarks;
using Agora.Experiments;
using Agora.IntrinsicMetrics;

namespace Agora.Tests.IntrinsicMetrics;

/// <summary>Programs of instances, in the real sandbox.</summary>
public sealed class ProgramRunsTests
{
    private const string Add = "```python\ndef add(a, b):\n    return a + b\n```";

    [Fact]
    public async Task Programs_run_and_pass_the_tests_that_their_instance_holds()
    {
        MeasuredInstance[] instances =
        [
            new("Add two numbers.", Add),
            new("Add two numbers.\nassert add(1, 2) == 3\n    assert add(0, 0) == 0", Add),
            new("Add two numbers.\nassert add(1, 2) == 4", Add),
            new("Add two numbers.", "```python\ndef add(a, b):\n    return a + b\nassert add(1, 1) == 2\n```"),
            new("Add two numbers.", "```python\ndef add(a, b):\n    return a - b\nassert add(1, 1) == 2\n```"),
            new("Add two numbers.", "```python\ndef add(a, b:\n```"),
            new("Wait.", "```python\nwhile True:\n    pass\n```"),
            new("Say it.", "No code at all."),
            new("Say it.", "```javascript\nlet x = 1\n```"),
            new("Two parts.\nassert two() == 2", "```python\ndef one():\n    return 1\n```\n```python\ndef two():\n    return one() + one()\n```\n```text\n2\n```"),
        ];
        MeasuredInstance[] written =
        [
            new("Add.\nassert add(\n    1,\n    2,\n) == 3, (\n    'wrong')\nassert add(0, 0) == 0", Add),
            new("Add.\n  assert add(1, 2) == [\n    4,\n  ]", Add),
            new("Two functions which\nassert that the sum is right (see below), or\nassert dominance\nassert (maybe) otherwise", Add),
            new("Show that all is well.\nassert add(1, 2) == 3 holds for the function", Add),
        ];
        var runs = new ProgramRuns((parallel, stop) => CodeSandbox.StartAsync(parallel, unsafeNoSandbox: false, stop), parallel: 2);
        var outcomes = await runs.RunAsync(instances, TestContext.Current.CancellationToken);
        Assert.Equal([true, true, true, true, false, false, false, null, null, true], outcomes.Select(outcome => outcome.Runs));
        Assert.Equal([null, true, false, true, false, null, null, null, null, true], outcomes.Select(outcome => outcome.PassesOwnTests));
        var whole = await runs.RunAsync(written, TestContext.Current.CancellationToken);
        Assert.Equal([true, false, null, null], whole.Select(outcome => outcome.PassesOwnTests));
        Assert.Equal("the response holds no Python program", outcomes[7].Why);

        var profile = (await new DataSetMeasurement(new MetricInstruments { Texts = false, Programs = runs }, new RandomStreams(1)).MeasureAsync("g", null, Domain.Code, instances, null, null, TestContext.Current.CancellationToken)).Profile;
        MetricEstimate Metric(string name) => profile.Metrics.Single(metric => metric.Name == name);
        Assert.Equal((5.0 / 8, 8, 2), (Metric("code_runs").Value, Metric("code_runs").Count, Metric("code_runs").Left));
        Assert.Equal((3.0 / 5, 5, 5), (Metric("code_passes_own_tests").Value, Metric("code_passes_own_tests").Count, Metric("code_passes_own_tests").Left));
    }
}
