using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Benchmarks.Judged;

/// <summary>Styles of the answers that Arena-Hard compared, from the official <c>model_answer</c> files.</summary>
public sealed class ArenaStyles
{
    private readonly Dictionary<(string Model, string QuestionId), AnswerStyle> styles;

    private ArenaStyles(Dictionary<(string, string), AnswerStyle> styles, string lengthUnit) => (this.styles, LengthUnit) = (styles, lengthUnit);

    /// <summary>tokens, as all files count them, or code points, where one of them does not.</summary>
    public string LengthUnit { get; }

    /// <param name="files">One per model, the baseline's among them.</param>
    /// <exception cref="AgoraException">A file is faulty, or an answer is too long.</exception>
    public static ArenaStyles Read(IEnumerable<string> files)
    {
        var answers = files.Select(ArenaJudgments.ReadAnswers).ToArray();
        var counted = answers.All(file => file.Answers.All(answer => answer.Tokens is not null));
        var styles = new Dictionary<(string, string), AnswerStyle>();
        foreach (var (model, rows) in answers)
            foreach (var (id, answer, tokens) in rows)
                styles[(model, id)] = AnswerStyle.Of(answer, counted ? tokens!.Value : CodePoints.Count(answer));
        return new ArenaStyles(styles, counted ? "tokens" : "code points");
    }

    /// <summary>The style-controlled fit of all models together.</summary>
    /// <exception cref="AgoraException">An answer that was judged is in no file, or no battle counts.</exception>
    public StyleControl Fit(IReadOnlyList<(string Model, IReadOnlyList<ArenaGames> Games)> models, string baseline, ArenaRules rules, StyleFeatures traits, int rounds)
    {
        var missing = (from model in models
                       from games in model.Games
                       from name in (string[])[model.Model, baseline]
                       where !styles.ContainsKey((name, games.QuestionId))
                       select $"{name}: {games.QuestionId}").Distinct().ToImmutableArray();
        if (missing.Length > 0)
            throw new AgoraException($"{missing.Length} answers that were judged are in no file, e.g. {string.Join(", ", missing.Take(3))}", "style control", "give the model_answer files of all models and of the baseline") { ExitCode = 2 };
        if (ArenaBattles.Of(models, rules).All.IsEmpty)
            throw new AgoraException("no battle counts", "style control", "give judgments with labels") { ExitCode = 2 };
        return StyleControl.Of(models, rules, (model, question) => styles[(model < 0 ? baseline : models[model].Model, question)], traits, rounds);
    }
}
