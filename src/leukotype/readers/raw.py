"""RawTable, the result of every reader: text columns and a matrix with samples in rows; known column names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from leukotype.arrays import FloatArray
from leukotype.cohort import without_controls

# Names of columns, as `plain` gives them.
LABEL_NAMES = (
    "type", "label", "labels", "class", "classes", "diagnosis", "group", "cancer", "cancertype", "phenotype",
    "condition", "disease", "subtype", "target", "outcome", "status",
)  # fmt: skip
SAMPLE_NAMES = (
    "samples", "sample", "sampleid", "samplename", "geoaccession", "accession", "gsm", "patient", "id", "index",
    "unnamed0", "", "sampleno", "samplenumber", "sampleindex", "samplenames", "sampleids", "subject", "subjectid",
    "patientid", "patientno", "patientnumber", "caseid", "case", "specimen", "specimenid", "aliquot", "aliquotid",
    "barcode", "mrn", "recordid", "participant", "participantid", "individual", "uid", "uniqueid", "filename",
    "arrayid", "hospitalno", "biopsyid", "biopsy", "libraryid", "runid",
)  # fmt: skip
# Numeric columns that are not expression.
COVARIATE_NAMES = (
    "age", "ageyears", "ageatdiagnosis", "sex", "gender", "batch", "batchid", "donor", "donorid", "center", "centre",
    "site", "date", "scandate", "plate", "platerow", "platecolumn", "well", "lane", "series", "stage", "grade", "time",
    "event", "survival", "survivaldays", "survivaltime", "survivalmonths", "overallsurvival", "followup",
    "relapse", "death", "vitalstatus", "row", "rownumber", "rownum", "rownames", "rowname", "level0", "x", "no", "nr",
    "number", "order", "purity", "tumorpurity", "tumourpurity", "blasts", "blastpercent", "whitecells",
    "whitecellcount", "whitebloodcells", "wbc", "wbccount", "bmi", "weight", "height", "rin", "hospital", "cohort",
    "year", "alter", "geschlecht", "dose", "reads", "totalreads", "readcount", "totalcounts", "librarysize", "libsize",
    "sizefactor", "depth", "ncount", "ncountrna", "nfeature", "nfeaturerna", "percentmt", "percentmito", "clusters",
    "tumorcontent", "tumourcontent", "pctblasts", "pblasts", "umap1", "umap2", "tsne1", "tsne2", "ecog", "gleason",
    "classcode", "classid", "labelcode", "labelid", "typecode", "groupid", "groupcode", "cluster", "fold", "split",
)  # fmt: skip
# Only a column of probes has these names.
PROBE_NAMES = (
    "probe", "probes", "probeid", "probesetid", "probeset", "idref", "gene", "genes", "geneid", "genesymbol",
    "symbol", "geneaccessionnumber", "genedescription", "ensemblid", "ensemblgeneid", "transcriptid", "hgncsymbol",
    "mirna", "mirnaid", "refseq",
)  # fmt: skip
# A column of descriptions of probes, or of samples.
DESCRIPTION_NAMES = ("name", "description", "feature", "title", "features")
# Columns of a gene table that are neither probe ids nor samples.
ANNOTATION_NAMES = (
    "chr", "chrom", "chromosome", "seqname", "start", "end", "strand", "length", "genelength", "biotype",
    "genebiotype", "genetype", "genename", "entrezid", "entrez", "entrezgene", "entrezgeneid", "locus", "go",
    "pathway", "cytoband", "band", "spotid", "definition", "basemean", "logfc", "log2fc", "log2foldchange", "lfcse",
    "pvalue", "padj", "adjpval", "adjpvalue", "qvalue", "fdr", "aveexpr", "effectivelength", "efflength", "gc",
    "gccontent", "hgnc", "hgncid", "mean", "median", "max", "min", "sd", "variance", "score", "numprobes", "nprobes",
    "tpm", "fpkm", "rpkm", "estcounts", "expectedcount", "numreads", "isopct", "transcriptids",
)  # fmt: skip
_NOT_PROBES = frozenset((*LABEL_NAMES, *SAMPLE_NAMES, *COVARIATE_NAMES))
MISSING = frozenset({"", "na", "nan", "n/a", "#n/a", "null", "none", "?", "-", "."})


_SEPARATORS = re.compile(r"[\W_]+")


def plain(name: str) -> str:
    """Return the letters and digits of a name in lower case: "Sample.ID" and "sample_id" are one name."""
    return _SEPARATORS.sub("", name.casefold()) or name


def is_not_expression(name: str) -> bool:
    """Tell whether a column is no probe by its name: a label, a sample id or a clinical value."""
    return plain(name) in _NOT_PROBES


@dataclass(frozen=True)
class Options:
    """What the user said about a table.

    label, donor, samples : names of columns, None if they are to be detected
    labels     : label of each sample, from a labels file
    covariates : columns that are not expression
    expression : numeric columns that are expression, whatever they look like
    samples_in : "rows" or "columns"; None if it is to be detected
    """

    label: str | None = None
    donor: str | None = None
    samples: str | None = None
    labels: Mapping[str, str] | None = None
    covariates: tuple[str, ...] = ()
    expression: tuple[str, ...] = ()
    samples_in: str | None = None

    def is_text(self, name: str) -> bool:
        """Tell whether a column called `name` is never expression, whatever its cells are."""
        if name in self.expression:
            return False
        named = (self.label, self.donor, self.samples, *self.covariates)
        return is_not_expression(name) or name in named


@dataclass(frozen=True)
class Head:
    """The start of a file: its delimiter, its whole header, and the first cells of a few rows."""

    path: str
    delimiter: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_lines: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as read, samples in rows.

    text   : text columns by name, in file order, one cell per sample
    values : (n_samples, n_probes) float64; NaN if a cell is missing
    probes : names of the numeric columns
    ids    : sample ids from the header of a transposed matrix, else None
    steps  : changes to the layout, one sentence each
    warnings : what may be wrong, one sentence each
    """

    text: dict[str, list[str]]
    values: FloatArray
    probes: list[str]
    ids: list[str] | None = None
    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def without_controls(self, path: str) -> RawTable:
        """Return the table without control probes; a step says how many were removed."""
        values, probes, step = without_controls(self.values, self.probes, path)
        return replace(self, values=values, probes=probes, steps=(*self.steps, step)) if step else self


@dataclass(frozen=True)
class Reader:
    """A file format.

    detects : tells whether the start of a file has this format
    read    : turns all lines, header first, into a RawTable; raises InputError with the place of a fault
    """

    name: str
    title: str
    detects: Callable[[Head, Options], bool]
    read: Callable[[Sequence[str], Head, Options], RawTable]
