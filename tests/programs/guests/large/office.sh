# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# LibreOffice: a document turned into PDF.
cat >d.html <<'H'
<html><body><h1>Title</h1><p>Some text.</p><table><tr><td>1</td><td>2</td></tr>
</table></body></html>
H
soffice "-env:UserInstallation=file://$PWD/profile" --headless \
    --convert-to pdf:writer_web_pdf_Export d.html >log 2>&1
echo $?
head -c 5 d.pdf
echo
tail -c 6 d.pdf
grep -ac '/Type */Page\>' d.pdf
