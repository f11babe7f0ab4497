using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Agora.Nano.Exercises;

namespace Agora.Nano.WordProblems;

/// <summary>One arithmetic operation on the running amount.</summary>
/// <param name="Sign">One of + - * /.</param>
internal readonly record struct ArithmeticStep(char Sign, int Operand)
{
    public int Apply(int amount) => Sign switch
    {
        '+' => amount + Operand,
        '-' => amount - Operand,
        '*' => amount * Operand,
        '/' => amount / Operand,
        _ => throw new InvalidOperationException($"no such operation: {Sign}"),
    };
}

/// <summary>A word problem of one to four arithmetic steps.</summary>
/// <param name="sentences">The story: one sentence for the start, one per step that it does not cover, and the question.</param>
internal sealed class WordProblem(string theme, int start, ImmutableArray<ArithmeticStep> steps, ImmutableArray<string> sentences) : Exercise
{
    public override string Structure { get; } =
        string.Create(CultureInfo.InvariantCulture, $"math:{start}") + string.Concat(steps.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Sign}{s.Operand}")));

    public override string Theme => theme;

    public int Answer { get; } = steps.Aggregate(start, (amount, step) => step.Apply(amount));

    public ImmutableArray<ArithmeticStep> Steps => steps;

    public override string Instruction => string.Join(' ', sentences);

    public override string Response => Worked(wrongStep: -1, slip: 0);

    public override string TerseResponse => Result(Answer);

    public override string WrongResponse(RandomStream random) => Worked(random.Next(steps.Length), Slip(random));

    public override FlawedPair Flawed(RandomStream random) => random.Next(5) switch
    {
        0 => new(Instruction, WrongResponse(random), Flaw.WrongAnswer),
        1 => new(Instruction, Response[..Response.LastIndexOf('\n')], Flaw.NoResult),
        2 => new(Instruction, TerseResponse, Flaw.NoSteps),
        3 => new(Instruction, Response[..(Response.LastIndexOf('\n') + 1)] + Result(Answer + Slip(random)), Flaw.WrongAnswer),
        _ => new(string.Join(' ', sentences[..^1]), Response, Flaw.VagueInstruction),
    };

    public override JsonObject BenchmarkRow(string id) =>
        new() { ["id"] = id, ["question"] = Instruction, ["answer"] = Answer.ToString(CultureInfo.InvariantCulture) };

    /// <summary>The story with the reckoning in it, as raw text.</summary>
    /// <param name="closing">The last sentence, without the amount and the full stop.</param>
    public string Story(string closing)
    {
        var text = new StringBuilder(string.Join(' ', sentences[..^1]));
        var amount = start;
        foreach (var step in steps)
            text.Append(CultureInfo.InvariantCulture, $" {amount}{step.Sign}{step.Operand}={amount = step.Apply(amount)}.");
        return text.Append(CultureInfo.InvariantCulture, $" {closing} {amount} {theme}.").ToString();
    }

    /// <summary>The steps, one a line, and the result; a slip at one step is carried on to the end, as it would be by hand.</summary>
    private string Worked(int wrongStep, int slip)
    {
        var text = new StringBuilder();
        var amount = start;
        for (var i = 0; i < steps.Length; i++)
        {
            var (before, step) = (amount, steps[i]);
            amount = step.Apply(amount) + (i == wrongStep ? slip : 0);
            text.Append(CultureInfo.InvariantCulture, $"{before}{step.Sign}{step.Operand}={amount}\n");
        }
        // Halving can swallow a slip of one, and then nothing would be wrong with the answer.
        if (wrongStep >= 0 && amount == Answer)
            amount += slip;
        return text.Append(Result(amount)).ToString();
    }

    private static int Slip(RandomStream random) => random.Between(1, 3);

    private static string Result(int value) => string.Create(CultureInfo.InvariantCulture, $"[RESULT] {value} [/RESULT]");
}
