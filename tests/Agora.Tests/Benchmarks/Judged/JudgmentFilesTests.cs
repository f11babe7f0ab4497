using Agora.Benchmarks.Judged;
using Agora.Experiments;

namespace Agora.Tests.Benchmarks.Judged;

/// <summary>Official files in and out, and what is refused with its lines.</summary>
public sealed class JudgmentFilesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("agora-judgments-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private const string Row = """{"instruction": "I%", "output_1": "b", "generator_1": "base", "output_2": "m", "generator_2": "mine", "annotator": "j", "preference": %P}""";

    private static string Annotation(string instruction, string preference) => Row.Replace("I%", instruction, StringComparison.Ordinal).Replace("%P", preference, StringComparison.Ordinal);

    [Fact]
    public void Annotations_are_read_with_nulls_and_old_draws()
    {
        var read = AlpacaAnnotations.Read(Write("a.json", $"[{Annotation("1", "1.25")}, {Annotation("2", "null")}, {Annotation("3", "0")}]"));
        Assert.Equal([1.25, null, 0], read.Select(row => row.Preference));
    }

    [Theory]
    [InlineData("""[{"question": "x", "answer": "y"}]""", "no format of AlpacaEval's annotations")]
    [InlineData("""{"question_id": "1", "model": "m", "judge": "j", "games": []}""", "no format of AlpacaEval's annotations")]
    [InlineData("[]", "holds no rows")]
    [InlineData("not json", "not JSON")]
    public void An_unknown_format_is_refused(string text, string what) => Assert.Contains(what, Assert.Throws<AgoraException>(() => AlpacaAnnotations.Read(Write("a.json", text))).Message);

    [Fact]
    public void Every_bad_row_is_named()
    {
        var fault = Assert.Throws<AgoraException>(() => AlpacaAnnotations.Read(Write("a.jsonl",
            $"{Annotation("1", "1.5")}\n{Annotation("1", "1.5")}\n{Annotation("2", "2.5")}\n{Annotation("3", "\"m\"")}\n{Annotation("4", "1").Replace("mine", "other", StringComparison.Ordinal)}\n")));
        Assert.Equal(2, fault.ExitCode);
        foreach (var expected in (string[])["a.jsonl:2  the instruction of line 1 again", "a.jsonl:3  \"preference\" must be from 1 to 2", "a.jsonl:4  \"preference\" must be a number", "a.jsonl:5  \"other\" against"])
            Assert.Contains(expected, fault.Message);
    }

    [Fact]
    public void Both_layouts_of_arena_hard_are_read()
    {
        var old = ArenaJudgments.Read(Write("old.jsonl", """{"question_id": "q", "model": "m", "judge": "j", "games": [{"judgment": "so [[A>B]]", "score": "A>B"}, {"judgment": "?", "score": null}]}"""), ArenaRules.V01);
        Assert.Equal([("q", "A>B", null)], old.Select(row => (row.QuestionId, row.BaselineFirst, row.ModelFirst)));
        var later = ArenaJudgments.Read(Write("new.jsonl", """{"uid": "q", "model": "m", "judge": "j", "games": [null, {"judgment": {"answer": "[A<<B]"}}]}"""), ArenaRules.Head2025);
        Assert.Equal([("q", null, "A<<B")], later.Select(row => (row.QuestionId, row.BaselineFirst, row.ModelFirst)));
    }

    [Fact]
    public void Judgments_that_are_written_are_read_back()
    {
        ArenaJudgment[] judgments = [new("q", "m", "j", "A>>B", null) { BaselineFirstWords = "x\n[[A>>B]]" }, new("r", "m", "j", "A=B", "B>A")];
        Assert.Equal(judgments, ArenaJudgments.Read(Write("j.jsonl", string.Join('\n', judgments.Select(ArenaJudgments.Line))), ArenaRules.V01));
    }

    [Fact]
    public void Bad_judgments_are_named_with_their_lines()
    {
        var fault = Assert.Throws<AgoraException>(() => ArenaJudgments.Read(Write("j.jsonl", """
            {"question_id": "q", "model": "m", "judge": "j", "games": [{"score": "A>B"}, {"score": "A>B"}]}
            {"question_id": "q", "model": "m", "judge": "j", "games": [{"score": "A>B"}]}
            {"question_id": "r", "model": "m", "judge": "other", "games": [{"score": 3}, {}]}
            {"question_id": "s", "model": "m", "judge": "j", "games": [{"judgment": "\ud800"}, {"score": "\udc00"}]}
            """), ArenaRules.V01));
        foreach (var expected in (string[])["j.jsonl:2  id \"q\" is already that of line 1", "j.jsonl:2  \"games\" must hold two games", "j.jsonl:3  \"score\" must be a label or null", "j.jsonl:3  a game has neither", "judged by \"other\"", "j.jsonl:4  \"judgment\" holds an unpaired surrogate", "j.jsonl:4  \"score\" holds an unpaired surrogate"])
            Assert.Contains(expected, fault.Message);
    }

    [Fact]
    public void A_leaderboard_keeps_other_rows_and_its_columns_and_sorts_anew()
    {
        var file = Write("leaderboard.csv", ",win_rate,standard_error,mode,avg_length,n_wins,n_wins_base,n_draws,n_total,discrete_win_rate,length_controlled_winrate,lc_standard_error\nolder,30.0,1.0,minimal,1000,1,2,0,3,33.3,20.5,0.5\nmine,1,1,verified,1,1,1,1,1,1,1,1\n");
        var (score, _) = AlpacaEvalScore.Of([new(0, "1", "b", "m", 1.75), new(1, "2", "b", "mm", 2)], null);
        var lines = Leaderboards.AlpacaEval(file, [("mine", score)]).ToArray();
        Assert.Equal("older,30.0,1.0,minimal,1000,1,2,0,3,33.3,20.5,0.5", lines[1]);
        Assert.Equal("mine,87.5,12.5,verified,1,2,0,0,2,100,,", lines[2]);
        Assert.Equal(3, lines.Length);
        Assert.StartsWith(",win_rate,standard_error,n_wins", Leaderboards.AlpacaEval(null, []).Single());
    }

    [Fact]
    public void Arena_leaderboards_have_the_official_columns()
    {
        var scores = ArenaHardScore.Of([("m,1", [new ArenaGames("q", "B>A", "B>A"), new ArenaGames("r", "A=B", "A=B")])], ArenaRules.V01, 50, 50, new RandomStreams(1));
        var lines = Leaderboards.ArenaHard(scores).ToArray();
        Assert.Equal("model,score,rating_q025,rating_q975,CI,avg_tokens,date", lines[0]);
        Assert.StartsWith("\"m,1\",50.00,", lines[1]);
    }

    [Fact]
    public void The_length_control_file_is_read_by_column_names_and_checked()
    {
        var data = LengthControlData.Read(Write(LengthControlData.FileName, "model,index,std_delta_len,instruction_difficulty,preference,not_gamed_baseline\nv,0,-1.5,0.25,0.75,False\nv,1,-0.5,-0.5,0.5,False\nc,0,1.5,0.25,0.2,False\n"));
        Assert.Equal([0.25, -0.5], data.Difficulties);
        Assert.Equal(new GamedRow(1.5, 0.25, 0.2), data.Gamed[2]);
        var fault = Assert.Throws<AgoraException>(() => LengthControlData.Read(Write(LengthControlData.FileName, "index,std_delta_len,instruction_difficulty,preference\n0,x,0,0.5\n1,0,0,1.5\n")));
        Assert.Contains($"{LengthControlData.FileName}:2  \"std_delta_len\" must be a number", fault.Message);
        Assert.Contains($"{LengthControlData.FileName}:3  \"preference\" must be from 0 to 1", fault.Message);
        var few = Assert.Throws<AgoraException>(() => LengthControlledWinRate.Of([new(1, 2, 0, 1.5)], data));
        Assert.Contains("too few for a cross-validation", few.Message);
        Assert.Contains("an instruction has no difficulty", Assert.Throws<AgoraException>(() => LengthControlledWinRate.Of([new(1, 2, 2, 1.5)], data, 5)).Message);
        Assert.Contains("no column \"index\"", Assert.Throws<AgoraException>(() => LengthControlData.Read(Write(LengthControlData.FileName, "a,b\n1,2\n"))).Message);
    }

    [Fact]
    public void Comma_separated_cells_may_hold_quotation_marks_and_line_breaks()
    {
        var table = CsvTable.Read(Write("t.csv", "a,b\r\n\"x, \"\"y\"\"\nz\",1\r\n\r\n2,3"));
        Assert.Equal([["x, \"y\"\nz", "1"], ["2", "3"]], table.Rows.Select(row => row.Cells.ToArray()));
        Assert.Equal([2, 5], table.Rows.Select(row => row.Line));
        Assert.Contains("never closed", Assert.Throws<AgoraException>(() => CsvTable.Read(Write("t.csv", "a\n\"x"))).Message);
    }

    [Fact]
    public void Style_control_needs_every_answer_that_was_judged()
    {
        static string Answer(string id, string model, string text) => $$"""{"question_id": "{{id}}", "model_id": "{{model}}", "choices": [{"turns": [{"content": "{{text}}", "token_len": {{text.Length}}}]}]}""";
        var mine = Write("mine.jsonl", $"{Answer("q", "mine", "long **bold** answer")}\n{Answer("r", "mine", "short")}\n");
        var baseline = Write("base.jsonl", $"{Answer("q", "base", "plain")}\n{Answer("r", "base", "# head")}\n");
        (string, IReadOnlyList<ArenaGames>)[] models = [("mine", [new ArenaGames("q", "B>A", "A>>B"), new ArenaGames("r", "A>B", "B>A")])];
        var fit = ArenaStyles.Read([mine, baseline]).Fit(models, "base", ArenaRules.V01, StyleFeatures.LengthAndMarkdown, 5);
        Assert.Equal(["length", "headers", "lists", "bolds"], fit.Coefficients.Select(c => c.Trait));
        Assert.Equal(["length"], ArenaStyles.Read([mine, baseline]).Fit(models, "base", ArenaRules.V01, StyleFeatures.Length, 5).Coefficients.Select(c => c.Trait));
        Assert.Contains("base: q", Assert.Throws<AgoraException>(() => ArenaStyles.Read([mine]).Fit(models, "base", ArenaRules.V01, StyleFeatures.Length, 5)).Message);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
