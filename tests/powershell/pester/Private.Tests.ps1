# The wording of the German and the Japanese sample is made up: a reader that minded words would fail on any wording.
BeforeAll {
    $root = Join-Path -Path $PSScriptRoot -ChildPath '../../..'
    Import-Module -Name (Join-Path -Path $root -ChildPath 'powershell/BorgCluster/BorgCluster.psd1') -Force
}

Describe 'ConvertFrom-BorgClusterWriterText' {
    It 'reads what diskshadow says in <_>' -ForEach @('english', 'german', 'japanese') {
        $sample = Join-Path -Path $PSScriptRoot -ChildPath "../samples/writers-$_"
        $lines = Get-Content -LiteralPath "$sample.txt" -Encoding UTF8
        $expected = Get-Content -LiteralPath "$sample.json" -Encoding UTF8 -Raw | ConvertFrom-Json
        $found = InModuleScope -ModuleName 'BorgCluster' -Parameters @{ Text = $lines } -ScriptBlock {
            param ($Text)

            ConvertFrom-BorgClusterWriterText -Line $Text
        }
        ConvertTo-Json -InputObject @($found['Components']) -Depth 6 -Compress |
            Should -Be (ConvertTo-Json -InputObject @($expected.components) -Depth 6 -Compress)
        ConvertTo-Json -InputObject @($found['Writers']) -Depth 6 -Compress |
            Should -Be (ConvertTo-Json -InputObject @($expected.writers) -Depth 6 -Compress)
    }

    It 'finds nothing in nothing' {
        $found = InModuleScope -ModuleName 'BorgCluster' -ScriptBlock { ConvertFrom-BorgClusterWriterText -Line @() }
        $found['Components'].Count | Should -Be 0
        $found['Writers'].Count | Should -Be 0
    }
}

Describe 'ConvertFrom-BorgClusterVssadminText' {
    It 'reads what vssadmin says in <_>' -ForEach @('english', 'german', 'japanese') {
        $sample = Join-Path -Path $PSScriptRoot -ChildPath "../samples/vssadmin-$_"
        $lines = Get-Content -LiteralPath "$sample.txt" -Encoding UTF8
        $expected = Get-Content -LiteralPath "$sample.json" -Encoding UTF8 -Raw | ConvertFrom-Json
        $found = InModuleScope -ModuleName 'BorgCluster' -Parameters @{ Text = $lines } -ScriptBlock {
            param ($Text)

            ConvertFrom-BorgClusterVssadminText -Line $Text
        }
        ConvertTo-Json -InputObject @($found) -Depth 6 -Compress | Should -Be (ConvertTo-Json -InputObject @($expected) -Depth 6 -Compress)
    }
}

Describe 'The readers of both' {
    It 'read each generated text as the evaluator in Python does' {
        $generated = Join-Path -Path $PSScriptRoot -ChildPath '../samples/generated.json'
        $samples = @(Get-Content -LiteralPath $generated -Encoding UTF8 -Raw | ConvertFrom-Json | ForEach-Object -Process { $_ })
        $samples.Count | Should -BeGreaterThan 20
        foreach ($sample in $samples) {
            $found = InModuleScope -ModuleName 'BorgCluster' -Parameters @{ Sample = $sample } -ScriptBlock {
                param ($Sample)

                if ($Sample.tool -eq 'vssadmin') {
                    return [ordered]@{ writers = @(ConvertFrom-BorgClusterVssadminText -Line $Sample.lines) }
                }
                $read = ConvertFrom-BorgClusterWriterText -Line $Sample.lines
                return [ordered]@{ components = $read['Components']; writers = $read['Writers'] }
            }
            ConvertTo-Json -InputObject $found -Depth 6 -Compress |
                Should -Be (ConvertTo-Json -InputObject $sample.expected -Depth 6 -Compress)
        }
    }
}

Describe 'Get-BorgClusterVMSid' {
    It 'orders the bytes as .NET does' {
        InModuleScope -ModuleName 'BorgCluster' -ScriptBlock {
            $sid = Get-BorgClusterVMSid -VMId '00112233-4455-6677-8899-aabbccddeeff'
            $sid | Should -Be 'S-1-5-83-1-1122867-1719092309-3148519816-4293844428'
        }
    }
}

Describe 'Get-BorgClusterVolumeRoot' {
    It 'is the folder of the shared volume for <Path>' -ForEach @(
        @{ Path = 'C:\ClusterStorage\Volume1\web01\web01.vhdx'; Root = 'C:\ClusterStorage\Volume1' }
        @{ Path = '/srv/hv/ClusterStorage/Volume2/web01.vhdx'; Root = '/srv/hv/ClusterStorage/Volume2' }
    ) {
        $found = InModuleScope -ModuleName 'BorgCluster' -Parameters @{ Path = $Path } -ScriptBlock {
            param ($Path)

            Get-BorgClusterVolumeRoot -Path $Path
        }
        $found | Should -Be $Root
    }
}
