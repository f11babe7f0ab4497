using Agora.Analysis.Published;
using Agora.Reports;
using Agora.Reports.Tables;

namespace Agora.Tests.Reports;

public sealed class AnalysisTablesTests
{
    [Fact]
    public void The_published_analysis_reads_as_the_kept_page() =>
        GoldenFile.Matches(Page(), "tests", "Agora.Tests", "Reports", "published_analysis.md");

    [Fact]
    public void Numbers_keep_all_their_digits_in_csv_and_missing_ones_are_empty()
    {
        var table = new TextTable { Id = "t", Title = "T", Columns = ["name", new("value", true)], Rows = [["a,\"b\"", TextCell.Of(1.0 / 3, "0.0")], ["c", TextCell.Of(null, "0.0")]] };
        Assert.Equal("name,value\r\n\"a,\"\"b\"\"\",0.3333333333333333\r\nc,\r\n", CsvRendering.Render(table));
    }

    [Fact]
    public void Latex_escapes_what_would_be_markup()
    {
        var table = new TextTable { Id = "t", Title = "50 % & more_of \\x", Columns = ["[a]", new("R²", true)], Rows = [["{~^<", "−1"]] };
        var latex = LatexTable.Render(table);
        Assert.Contains(@"\caption{50 \% \& more\_of \textbackslash{}x}", latex, StringComparison.Ordinal);
        Assert.Contains(@"{[}a] & R\textsuperscript{2} \\", latex, StringComparison.Ordinal);
        Assert.Contains(@"\{\textasciitilde{}\textasciicircum{}\ensuremath{<} & \ensuremath{-}1 \\", latex, StringComparison.Ordinal);
        Assert.Contains(@"\begin{tabular}{lr}", latex, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_that_rounds_to_zero_has_no_sign() => Assert.Equal(("0.00", -0.001), (TextCell.Of(-0.001, "0.00").Text, TextCell.Of(-0.001, "0.00").Number!.Value));

    private static string Page()
    {
        var published = PublishedAnalysis.Of(Fixtures.Part("..", "paper"));
        return AnalysisFiles.Markdown("The paper's analyses, from its tables", AnalysisTables.Of(published), published.Remarks);
    }
}
