using System.Text.RegularExpressions;
using Agora.Experiments;
using Agora.Nano.Exercises;
using Agora.Nano.Functions;
using Agora.Nano.Texts;
using Agora.Nano.WordProblems;

namespace Agora.Tests.Nano;

/// <summary>The pairs that quality enhancement starts from have the faults that they are said to have.</summary>
public sealed partial class FlawsTests
{
    public static TheoryData<Domain> Domains => [.. Enum.GetValues<Domain>()];

    [Theory, MemberData(nameof(Domains))]
    public void A_flawed_pair_differs_from_the_clean_one_and_shows_its_fault(Domain domain)
    {
        var random = new RandomStreams(9).For("flaws");
        var seen = new HashSet<Flaw>();
        for (var i = 0; i < 400; i++)
        {
            var exercise = NanoDomain.Of(domain).Write(random, Part.Seeds);
            var pair = exercise.Flawed(random);
            seen.Add(pair.Flaw);
            Assert.NotEqual((exercise.Instruction, exercise.Response), (pair.Instruction, pair.Response));
            Assert.True(Shows(pair, exercise), $"{pair} of {exercise.Instruction} → {exercise.Response}");
        }
        Assert.True(seen.Count >= 3);
    }

    private static bool Shows(FlawedPair pair, Exercise exercise) => (pair.Flaw, exercise) switch
    {
        (Flaw.WrongAnswer, WordProblem problem) => Result().Match(pair.Response).Groups[1].Value != $"{problem.Answer}",
        (Flaw.WrongAnswer, FunctionTask) => pair.Response != exercise.Response && pair.Response != exercise.TerseResponse,
        (Flaw.NoResult, _) => !pair.Response.Contains("[RESULT]", StringComparison.Ordinal),
        (Flaw.NoSteps, _) => !pair.Response.Contains('='),
        (Flaw.NoFence, _) => !pair.Response.Contains("```", StringComparison.Ordinal),
        (Flaw.NoReturn, _) => !pair.Response.Contains("return", StringComparison.Ordinal),
        (Flaw.VagueInstruction, _) => pair.Instruction.Length < exercise.Instruction.Length,
        (Flaw.BrokenConstraint, TextTask task) => !task.Constraints.All(constraint => constraint.Holds(pair.Response)),
        (Flaw.Chatter, _) => pair.Response.StartsWith("Here is", StringComparison.Ordinal),
        _ => false,
    };

    [GeneratedRegex(@"\[RESULT\] (\d+) \[/RESULT\]$")]
    private static partial Regex Result();
}
