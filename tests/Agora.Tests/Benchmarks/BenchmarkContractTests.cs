using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Tests.Benchmarks;

public sealed class BenchmarkContractTests
{
    [Fact]
    public async Task Nano_math_keeps_the_contract()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl",
            """{"id": "a", "question": "Tom has 3 pens and buys 4. How many?", "answer": "7"}""",
            """{"id": "b", "question": "Half of 5?", "answer": "5 / 2 = 2.5\n[RESULT] 2.5 [/RESULT]"}""");
        await BenchmarkContract.Holds(file.Open("nano_math"));
    }

    [Fact]
    public async Task Nano_instruction_following_keeps_the_contract()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl",
            """{"id": "a", "prompt": "Two words.", "constraints": [{"kind": "word_count", "value": 2}], "response": "Two words"}""",
            """{"id": "b", "prompt": "No commas.", "constraints": [{"kind": "comma_count", "value": 0}]}""");
        await BenchmarkContract.Holds(file.Open("nano_instruction_following"));
    }

    [Fact]
    public async Task Gsm8k_keeps_the_contract_on_its_official_file() =>
        await BenchmarkContract.Holds(Official("gsm8k", "gsm8k_test.jsonl.gz", items: 1319));

    [Fact]
    public async Task Math_keeps_the_contract_on_its_official_file() =>
        await BenchmarkContract.Holds(Official("math", "math500.jsonl.gz", items: 500));

    [Theory]
    [InlineData("nano_math", "math.jsonl")]
    [InlineData("nano_instruction_following", "instruction_following.jsonl")]
    public async Task A_shipped_benchmark_keeps_the_contract(string name, string file)
    {
        var benchmark = BenchmarkCatalogue.Open(new BenchmarkSpec { Name = name, File = file }, Path.Combine(Fixtures.Checkout, "nano", "benchmarks"));
        Assert.True(benchmark.Items.Length >= 500);
        await BenchmarkContract.Holds(benchmark);
    }

    [Fact]
    public void The_catalogue_opens_what_experiments_may_name() => Assert.Equal(BenchmarkNames.Domains.Keys, BenchmarkCatalogue.Names);

    private static IBenchmark Official(string name, string file, int items)
    {
        var benchmark = BenchmarkCatalogue.Open(new BenchmarkSpec { Name = name, File = file }, Fixtures.Part("benchmarks"));
        Assert.Equal(items, benchmark.Items.Length);
        return benchmark;
    }
}
