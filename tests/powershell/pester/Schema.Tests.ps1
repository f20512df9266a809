# The schemas are made from the classes that read the answers, and kept beside the module (make golden).
BeforeDiscovery {
    $script:id = '00112233-4455-6677-8899-aabbccddeeff'
    $script:run = '5b0e4e0a-9b0c-4a7d-8e2c-1b110f7c1d4a'
    $script:calls = @(
        @{ Command = 'Get-BorgClusterAccess'; Given = @{} }
        @{ Command = 'Get-BorgClusterNodeReport'; Given = @{} }
        @{ Command = 'Get-BorgClusterReferencePoint'; Given = @{ VMId = $id } }
        @{ Command = 'Get-BorgClusterReport'; Given = @{} }
        @{ Command = 'Get-BorgClusterRoleSetting'; Given = @{ VMId = $id } }
        @{ Command = 'Get-BorgClusterSnapshot'; Given = @{ VMId = $id } }
        @{ Command = 'Get-BorgClusterVMState'; Given = @{ VMId = $id } }
        @{ Command = 'New-BorgClusterSnapshot'; Given = @{ VMId = $id; RunId = $run; Consistency = 'Crash'; TimeoutSecond = 5 } }
        @{ Command = 'Set-BorgClusterOfflineAction'; Given = @{ VMId = $id; Action = 2 } }
        @{ Command = 'Stop-BorgClusterRole'; Given = @{ VMId = $id; TimeoutSecond = 5 } }
        @{ Command = 'Test-BorgClusterBoot'; Given = @{ VMId = $id; TimeoutSecond = 5 } }
        @{ Command = 'Wait-BorgClusterMerge'; Given = @{ VMId = $id; TimeoutSecond = 5 } }
    )
    # What the Python side reads in its own tests
    $script:golden = @(
        foreach ($file in @(Get-ChildItem -Path (Join-Path -Path $PSScriptRoot -ChildPath '../../golden/reports') -Filter '*.json')) {
            $said = Get-Content -LiteralPath $file.FullName -Raw | ConvertFrom-Json
            @{ File = $file.Name; Command = 'Get-BorgClusterReport'; Json = ConvertTo-Json -InputObject $said.cluster -Depth 16 }
            foreach ($node in $said.nodes) {
                @{ File = $file.Name; Command = 'Get-BorgClusterNodeReport'; Json = ConvertTo-Json -InputObject $node -Depth 16 }
            }
        }
    )
    $script:untestable = $null -eq (Get-Command -Name 'Test-Json' -ErrorAction SilentlyContinue)
}

BeforeAll {
    Import-Module -Name (Join-Path -Path $PSScriptRoot -ChildPath 'World.psm1') -Force
    Import-StubModule -Folder $TestDrive
    $script:root = (Get-Item -LiteralPath $TestDrive).FullName
    $script:schemas = Join-Path -Path $PSScriptRoot -ChildPath '../../../powershell/BorgCluster/schemas'
}

Describe 'the answer' {
    BeforeEach {
        $null = Use-StubWorld -Root $root
    }

    It 'of <Command> is as its schema says' -ForEach $calls -Skip:$untestable {
        $schema = Get-Content -LiteralPath (Join-Path -Path $schemas -ChildPath "$Command.json") -Raw
        Test-Json -Json (& $Command @Given) -Schema $schema -ErrorAction Stop | Should -BeTrue
    }
}

Describe 'the golden file' {
    It '<File> holds what <Command> may answer' -ForEach $golden -Skip:$untestable {
        $schema = Get-Content -LiteralPath (Join-Path -Path $schemas -ChildPath "$Command.json") -Raw
        # 7 reads a time as a date and writes it in another form, which is a text all the same
        Test-Json -Json $Json -Schema $schema -ErrorAction Stop | Should -BeTrue
    }
}
