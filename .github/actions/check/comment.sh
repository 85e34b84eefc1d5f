#!/usr/bin/env bash
# One comment on the pull request for each experiment: written once, and brought up to date by every later run.
set -euo pipefail
mark="<!-- ragtune check: $EXPERIMENT -->"
body=ragtune-check/comment.md
{
  echo "$mark"
  # a comment holds 65,536 characters; none is cut in the middle
  head -c 60000 ragtune-check/summary.md | iconv -c -f utf-8 -t utf-8
} > "$body"
comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"
export mark
id=$(gh api --paginate "$comments" --jq '.[] | select(.user.type == "Bot" and (.body | startswith(env.mark))) | .id' | head -n 1)
if [ -n "$id" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field body=@"$body" > /dev/null
else
  gh api --method POST "$comments" --field body=@"$body" > /dev/null
fi
