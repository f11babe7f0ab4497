using Agora.Benchmarks;
using Agora.Experiments;
using Agora.Nano;
using Agora.Nano.Exercises;

namespace Agora.Tests.Nano;

/// <summary>The graders that score students score what the writers hold to be right and wrong.</summary>
public sealed class ReferenceAnswersTests
{
    public static TheoryData<Domain> Domains => [.. Enum.GetValues<Domain>()];

    [Theory, MemberData(nameof(Domains))]
    public async Task The_reference_answers_of_a_benchmark_score_one_hundred_percent(Domain domain)
    {
        var grades = await GradeAsync(domain, item => item.Response);
        Assert.Empty(grades.Where(grade => grade.Grade is not Grade.Scored { Value: 1 }).Select(grade => $"{grade.ItemId}: {grade.Extracted} {grade.Detail}"));
    }

    [Theory, InlineData(Domain.Math), InlineData(Domain.Code)]
    public async Task Answers_without_the_steps_are_as_right(Domain domain) =>
        Assert.All(await GradeAsync(domain, item => item.TerseResponse), grade => Assert.Equal(new Grade.Scored(1), grade.Grade));

    [Theory, MemberData(nameof(Domains))]
    public async Task Wrong_answers_score_nothing(Domain domain)
    {
        var random = new RandomStreams(2).For("wrong");
        Assert.All(await GradeAsync(domain, item => item.WrongResponse(random)), grade => Assert.Equal(new Grade.Scored(0), grade.Grade));
    }

    private static async Task<IReadOnlyList<GradedAnswer>> GradeAsync(Domain domain, Func<Exercise, string> answer)
    {
        var benchmark = BenchmarkCatalogue.Open(
            new BenchmarkSpec { Name = $"nano_{domain.Name()}", File = $"nano/benchmarks/{domain.Name()}.jsonl" }, Fixtures.Checkout);
        var answers = benchmark.Items.Zip(NanoData.Benchmark(domain), (item, exercise) =>
        {
            Assert.Equal(exercise.Instruction, item.Prompt);
            return new BenchmarkAnswer { ItemId = item.Id, Prompt = item.Prompt, Completion = answer(exercise), Finished = true };
        }).ToList();
        Assert.Equal(NanoData.BenchmarkItems, answers.Count);
        return await benchmark.GradeAsync(answers, new GradingContext { Random = new RandomStreams(1) }, TestContext.Current.CancellationToken);
    }
}
