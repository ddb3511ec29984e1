#!/usr/bin/env python3
"""Writes tests/data/metrics.json: what the packages of the field say about small texts, for tst_evaluate.

Needs nltk, sacrebleu, rouge-score, scikit-learn, scipy, and pycocoevalcap with Java. Texts are composed here from word lists with a fixed seed.
"""
import collections
import json
import pathlib
import random

import numpy
import sacrebleu
import scipy.stats
from nltk.translate.bleu_score import corpus_bleu
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
from rouge_score import rouge_scorer, tokenizers
from sklearn.metrics import accuracy_score, f1_score

ROOT = pathlib.Path(__file__).resolve().parents[2]
SENTENCES = ["The lungs are clear.", "There is no pleural effusion or pneumothorax.", "Heart size is normal; the mediastinum is unremarkable.",
             "A 5 mm nodule is seen in the right upper lobe, stable since the prior study.", "It isn't enlarged, but there's mild (grade 1) edema.",
             "Left-sided pacemaker leads end in the right atrium and ventricle.", "Bibasilar atelectasis: about 30% of the left lower lobe.",
             "The patient's ribs show 2 healed fractures at 10:30 and 12:00.", "No acute cardiopulmonary process -- unchanged.",
             "Opacity measures 1,200 mL, i.e. 2.5 times more than before.", "Endotracheal tube 4.2 cm above the carina!", "Is there consolidation?",
             "Dr. ___ was told at 10:45am on ___; pneumonia cannot be excluded.", "A nodule of 1.5cm [prior: <5 mm] vs. artifact (No. 3) in T4.5, post-op."]


class AtSpaces(tokenizers.Tokenizer):
    def tokenize(self, text):
        return text.split()


def tokenised(texts):
    """As the COCO tools do it: Stanford's tokenizer (Java) without punctuation."""
    found = PTBTokenizer().tokenize({n: [{"caption": text}] for n, text in enumerate(texts)})
    return {text: found[n][0].split() for n, text in enumerate(texts)}


def words_in_common(answer, truth):
    """Precision, recall, F1 as calculate_f1score of the published evaluation (m3/eval/scripts/mimic_vqa/evaluate_metrics.py)."""
    said, wanted = collections.Counter(answer.split()), collections.Counter(truth.split())
    common = sum(n for word, n in said.items() if word in wanted)
    missed = sum(n for word, n in wanted.items() if word not in said)
    precision, recall = common / sum(said.values()), common / max(1, common + missed)
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / (precision + recall) if common else 0}


def main():
    tokens = tokenised(SENTENCES)
    choose = random.Random(7)
    pairs = []
    for _ in range(12):
        truth = choose.sample(SENTENCES, 4)
        answer = choose.sample(truth, choose.randint(1, 3)) + choose.sample(SENTENCES, choose.randint(0, 2))
        pairs.append((" ".join(w for s in answer for w in tokens[s]), " ".join(w for s in truth for w in tokens[s])))
    answers, truths = [p[0] for p in pairs], [p[1] for p in pairs]
    coco = {n: [a] for n, a in enumerate(answers)}, {n: [t] for n, t in enumerate(truths)}
    scorer = rouge_scorer.RougeScorer(["rougeL"], tokenizer=AtSpaces())
    rouge = [scorer.score(t, a) for a, t in pairs]
    numbers = numpy.random.default_rng(3)
    truth = numbers.random((3, 60)) < [[0.2], [0.5], [0.05]]
    said = numpy.where(numbers.random((3, 60)) < 0.75, truth, ~truth)
    right = (numbers.random(200) < 0.7).astype(float)
    interval = scipy.stats.bootstrap((right,), numpy.mean, n_resamples=9999, method="percentile", rng=5).confidence_interval
    wilson = scipy.stats.binomtest(40, 40).proportion_ci(method="wilson")
    result = {
        "tokens": [{"text": s, "tokens": tokens[s]} for s in SENTENCES],
        "pairs": [{"answer": a, "truth": t} for a, t in pairs],
        "bleuNltk": [corpus_bleu([[t.split()] for t in truths], [a.split() for a in answers], weights=[1 / n] * n) for n in range(1, 5)],
        "bleuSacre": sacrebleu.corpus_bleu(answers, [truths], tokenize="none", smooth_method="none", force=True).score / 100,
        "bleuCoco": Bleu(4).compute_score(coco[1], coco[0], verbose=0)[0],
        "rougeLCoco": list(map(float, Rouge().compute_score(coco[1], coco[0])[1])),
        "rougeL": [{"precision": r["rougeL"].precision, "recall": r["rougeL"].recall} for r in rouge],
        "words": [words_in_common(a, t) for a, t in pairs],
        "classes": {"truth": truth.astype(int).tolist(), "said": said.astype(int).tolist(), "f1": [f1_score(t, s) for t, s in zip(truth, said)], "macro": float(numpy.mean([f1_score(t, s) for t, s in zip(truth, said)])),
                    "accuracy": accuracy_score(truth.ravel(), said.ravel())},
        "bootstrap": {"right": right.astype(int).tolist(), "low": float(interval.low), "high": float(interval.high)},
        "wilson40of40": [float(wilson.low), float(wilson.high)],
    }
    (ROOT / "tests/data/metrics.json").write_text(json.dumps(result, indent=None, separators=(",", ":")).replace('],"', '],\n"').replace("},{", "},\n{") + "\n")


main()
